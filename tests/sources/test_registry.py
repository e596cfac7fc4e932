"""Each kind of old CNI stands in one list, which the config, the roles and the removal are told by."""

import pytest

from components.plan import PlanError, make_plan
from components.sources import SOURCES


def test_the_config_knows_the_kinds_of_the_registry_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PlanError) as caught:
        make_plan({"source": '{"kind": "weevil"}'}, kubeconfig="/nonexistent")
    assert str(caught.value).startswith(
        f"config source.kind: 'weevil' is not one of {', '.join(f'{each!r}' for each in SOURCES)}"
    )
    monkeypatch.setitem(SOURCES, "weevil", SOURCES["kindnet"])
    with pytest.raises(PlanError) as caught:
        make_plan({"source": '{"kind": "weevil"}'}, kubeconfig="/nonexistent")
    assert "source.kind" not in str(caught.value)
