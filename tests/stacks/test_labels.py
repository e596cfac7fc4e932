import pytest

from stacks.config import ConfigError, parse_config
from stacks.notation.labels import parse_selector, selects

LABELS = {"app": "web", "tier": "", "rank": "3", "example.com/owner": "shop"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("app", True),
        ("!app", False),
        ("gone", False),
        ("!gone", True),
        ("app=web", True),
        ("app == web", True),
        ("app!=web", False),
        ("gone!=web", True),
        ("tier=", True),
        ("app in (web, store)", True),
        ("app notin (web, store)", False),
        ("gone notin (web)", True),
        ("tier in (,store)", True),
        ("rank>2", True),
        ("rank<3", False),
        ("app>2", False),
        ("example.com/owner=shop,app in (web,store),rank", True),
        ("example.com/owner=shop,app in (web,store),!rank", False),
    ],
)
def test_a_selector_holds(text: str, holds: bool) -> None:
    assert selects(parse_selector(text), LABELS) is holds


@pytest.mark.parametrize(
    "text",
    [",", "app=web,", "app=web,,tier", "=web", "app=a=b", "app web", "app in web", "app in ()", "app in (a", "a>b",
     "-app", "app=-web", "Example.com/app", "a/b/c", "app=" + "x" * 64, "x" * 64, "app in (a b)", "app=we!b"],
)  # fmt: skip
def test_what_is_no_selector_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({"drain": {"podSelector": text}})
    lines = str(caught.value).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"config drain.podSelector: '{text}' is no label selector: ")


def test_drain_settings_of_kubectl_are_read() -> None:
    drain = parse_config(
        {
            "drain": {
                "podSelector": "app=web",
                "skipWaitForDeleteSeconds": 60,
                "disableEviction": True,
                "force": True,
                "deleteEmptyDirData": True,
                "gracePeriodSeconds": 0,
            }
        }
    ).drain
    assert (drain.pod_selector, drain.skip_wait_for_delete_seconds, drain.grace_period_seconds) == ("app=web", 60, 0)
    assert drain.disable_eviction
    assert drain.force
    assert drain.delete_empty_dir_data
