"""Each fault once: the user is told what it is, and the next run completes with nothing lost. CI meets a sample."""

import re
from contextlib import ExitStack

import pytest

from components.operations.turn_annotations import STEP, node_path
from tests.faults import document
from tests.faults.catalogue import MET
from tests.faults.fault import Fault, Scene
from tests.faults.site import Site

pytestmark = [pytest.mark.engine, pytest.mark.apiserver, pytest.mark.timeout(600)]


def meet(site: Site, fault: Fault, scene: Scene) -> str:
    """Run into the fault; returns what the user was told of it."""
    with ExitStack() as stack:
        stack.enter_context(fault.make(scene))
        code = scene.run.go().end()
        for thread in scene.threads:
            thread.join()
    told = re.search(fault.told, scene.told_elsewhere or scene.run.output)
    assert told, scene.run.output + scene.told_elsewhere
    assert "Traceback" not in scene.run.output
    assert (code == 0) is fault.survived, scene.run.output
    return told[0]


@pytest.mark.parametrize("fault", MET, ids=lambda each: each.id)
def test_it_is_told_and_the_next_run_completes(site: Site, fault: Fault) -> None:
    node = site.take_node()
    work = site.workload(f"fault-{fault.id}", node)
    site.configure(waves=[[node]], sections=fault.settings)
    scene = Scene(site=site, node=node, work=work, run=site.up())
    told = meet(site, fault, scene)
    if fault.untouched:
        annotations = site.cluster.get(node_path(node))["metadata"].get("annotations") or {}
        assert STEP not in annotations
    if not fault.survived:
        site.configure(waves=[] if fault.lost_node else [[node]], sections=fault.again)
        again = site.stack.up(check=False)
        assert again.exit_code == 0, again.output
    if fault.lost_node:
        assert site.helpers() == []
        assert site.cluster.find(node_path(node)) is None, "nothing of it was made anew"
    else:
        site.done.append(node)
        site.assert_whole(node)
    work.assert_complete()
    work.remove()
    document.add(id=fault.id, title=fault.title, told=told, then=fault.then)
