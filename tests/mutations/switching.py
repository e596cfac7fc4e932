"""Faults in a node's switch: its agent, its CNI conf, the pods' renewal, the verification, the old CNI's removal."""

from tests.mutations.mutation import Mutation

_MACHINES = ("tests/lab/simulated/test_machines.py",)
_REFUSED = ("tests/turns/test_refused.py",)
_RECYCLE = ("tests/operations/turn/test_recycle.py",)
_REMOVED = ("tests/operations/removal/test_removed.py",)

MUTATIONS = (
    Mutation(
        id="restore-cni-conf-without-its-guard",
        file="operations/on_node/restore_cni_conf.py",
        old="if not others:",
        new="if False:",
        stands_for="a node is left without any CNI conf, NotReady",
        tests=_MACHINES,
    ),
    Mutation(
        id="restore-cni-conf-cilium-first",
        file="operations/on_node/restore_cni_conf.py",
        old="# The old conf first: at no moment may the folder be without one, or the node turns NotReady.\n",
        new="cilium_conf.unlink(missing_ok=True)\n",
        stands_for="for a moment the node has no CNI conf",
        tests=("tests/operations/on_node/test_restore_cni_conf.py",),
    ),
    Mutation(
        id="restore-cni-conf-keeps-cilium",
        file="operations/on_node/restore_cni_conf.py",
        old="cilium_conf.unlink(missing_ok=True)\n",
        new="",
        stands_for="new pods of a node that went back still get Cilium's addresses",
        tests=_MACHINES,
    ),
    Mutation(
        id="restore-cni-conf-over-a-newer-one",
        file="operations/on_node/restore_cni_conf.py",
        old="    if original.exists():\n",
        new="    if False:\n",
        stands_for="a conf that the old CNI has written since is replaced by the older one",
        tests=("tests/operations/on_node/test_restore_cni_conf.py",),
    ),
    Mutation(
        id="failed-script-believed",
        file="operations/our_pods/node_shell.py",
        old='    if item["status"]["phase"] == "Failed":\n',
        new="    if False:\n",
        stands_for="a node whose CNI conf could not be restored goes on in its way back",
        tests=_REFUSED,
    ),
    Mutation(
        id="cni-conf-of-another-beside",
        file="operations/turn_steps/agent.py",
        old="files if active == [name] else",
        new="files if name in active else",
        stands_for="an old conf that sorts before Cilium's stays in charge",
        tests=_REFUSED,
    ),
    Mutation(
        id="backups-are-active",
        file="operations/turn_steps/agent.py",
        old='if file.endswith((".conf", ".conflist", ".json"))',
        new='if "." in file',
        stands_for="a conf that was put aside is taken for one in use",
        tests=("tests/turns/test_order.py",),
    ),
    Mutation(
        id="agent-not-waited-for",
        file="operations/turn_steps/agent.py",
        old="if agent.ready and accepted(agent)]",
        new="if accepted(agent)]",
        stands_for="pods are renewed while their node's agent is not Ready",
        tests=_REFUSED,
    ),
    Mutation(
        id="command-in-agent-that-failed",
        file="operations/turn_steps/agent.py",
        old="""    if result.exit_code != 0:
        raise OperationError(
            f"node {agent.node}: `{beg""",
        new="""    if False:
        raise OperationError(
            f"node {agent.node}: `{beg""",
        stands_for="what an agent's shell says of its failure is taken for the answer",
        tests=_REMOVED,
    ),
    Mutation(
        id="static-pods-recycled",
        file="operations/turn_steps/recycle.py",
        old="    if static:\n",
        new="    if False:\n",
        stands_for="the mirror of a static pod is deleted, which changes nothing, and waited for in vain",
        tests=_REFUSED,
    ),
    Mutation(
        id="recycled-pods-not-waited-for",
        file="operations/turn_steps/recycle.py",
        old="elif (not pod.ready or not pod.address) and not pod.finished and title_of(pod) not in missed:",
        new="elif False:",
        stands_for="a node takes pods while its own are not Ready yet",
        tests=_RECYCLE,
    ),
    Mutation(
        id="ill-pods-waited-for",
        file="operations/turn_steps/recycle.py",
        old="missed = not_ready(found) if before is None else before",
        new="missed = set[str]()",
        stands_for="a device plugin without its device leaves the node switched and cordoned",
        tests=_RECYCLE,
    ),
    Mutation(
        id="old-addresses-accepted",
        file="operations/turn_steps/recycle.py",
        old="            elif pod.address and stale(pod):\n",
        new="            elif False:\n",
        stands_for="a node is called migrated with pods that stayed on the old network",
        tests=_RECYCLE,
    ),
    Mutation(
        id="broken-flows-ignored",
        file="operations/turn_steps/verification.py",
        old="    if broken:\n",
        new="    if False:\n",
        stands_for="a node whose network does not work takes pods",
        tests=_REFUSED,
    ),
    Mutation(
        id="network-of-the-fresh-pod-ignored",
        file="operations/turn_steps/verification.py",
        old="        if not belongs(fresh):\n",
        new="        if False:\n",
        stands_for="another network than the new one is proved to work",
        tests=_REFUSED,
    ),
    Mutation(
        id="nobody-asked-is-well",
        file="operations/turn_steps/verification.py",
        old="    if unasked and len(unasked) == len(asked):\n",
        new="    if False:\n",
        stands_for="a node that nobody was seen to reach is verified",
        tests=_REFUSED,
    ),
    Mutation(
        id="neighbours-in-their-turn-asked",
        file="operations/turn_steps/verification.py",
        old="if each.ready and step_of(each) not in _UNSETTLED}",
        new="if each.ready}",
        stands_for="a node is called broken as another of its wave is being switched",
        tests=_REFUSED,
    ),
    Mutation(
        id="fresh-pod-stays",
        file="operations/turn_steps/verification.py",
        old="""        with suppress(ClusterError):
            cluster.delete(path, grace_period_seconds=0)
""",
        new="""        pass
""",
        stands_for="the pod that verified a node stays on it",
        tests=_REFUSED,
    ),
    Mutation(
        id="host-port-that-leads-nowhere-not-judged",
        file="operations/turn_steps/host_ports.py",
        old='elif outcome and behind and behind["ok"]:',
        new='elif outcome and behind and not behind["ok"]:',
        stands_for="a host port that Cilium does not open is overlooked",
        tests=("tests/operations/turn/test_host_ports.py",),
    ),
    Mutation(
        id="leftovers-accepted",
        file="operations/removal/sweep.py",
        old="    if left:\n",
        new="    if False:\n",
        stands_for="the old CNI is called removed while its interfaces and rules are there",
        tests=_REMOVED,
    ),
    Mutation(
        id="tables-left-accepted",
        file="operations/removal/sweep.py",
        old='        left += [f"nftables\' table {each}" for each in tables]',
        new="        left += []",
        stands_for="the old CNI is called removed while its tables of nftables filter packets",
        tests=_REMOVED,
    ),
    Mutation(
        id="everybodys-annotations-swept",
        file="operations/removal/sweep.py",
        old="for key in annotations if sweep.annotations and key.startswith(sweep.annotations)",
        new="for key in annotations",
        stands_for="annotations of others are taken off the nodes",
        tests=_REMOVED,
    ),
    Mutation(
        id="routes-of-others-swept",
        file="operations/removal/sweep_script.py",
        old='route show table all root "$network" proto $protocol',
        new="route show table all proto $protocol",
        stands_for="a node's own ways out are taken away with the old CNI's routes",
        tests=("tests/operations/on_node/test_sweep_real.py",),
    ),
    Mutation(
        id="every-conf-swept",
        file="operations/removal/sweep_script.py",
        old='rm -rf "$folder"/*"$word"*',
        new='rm -rf "$folder"/*',
        stands_for="Cilium's CNI conf goes with the old one",
        tests=_REMOVED,
    ),
)
