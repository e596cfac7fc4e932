"""Settings of the user that the migration cannot work with."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import eq
from typing import Any

from stacks.notation.forms import shown
from stacks.settle import Cilium
from stacks.values.chosen_values import MethodValue, final_method, migration_method
from stacks.values.fitting import Ground, Limit
from stacks.values.limits import LIMITS
from stacks.values.merged_values import final_values, migration_values
from stacks.values.options import OPTIONS, Kind, Option, UnclearError, meant
from stacks.values.set_elsewhere import set_elsewhere
from stacks.values.tree import value_at

_AWS_RULES_SINCE = (1, 18)


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """A setting as found and as it must be, in words; `place` is the part of the config that has it.

    `later` marks a setting that is allowed once Cilium is alone.
    """

    path: str
    wanted: str
    found: str
    reason: str
    place: str = "cilium.values"
    later: bool = False


def contradictions(cilium: Cilium) -> list[Contradiction]:
    """The contradictions in both sets of values, one for each path."""
    found: dict[str, Contradiction] = {}
    for fault in _all(cilium):
        found.setdefault(fault.path, fault)
    return list(found.values())


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """Allowed values of one option; a `required` option must be set."""

    option: Option
    fits: Callable[[Any], bool]
    wanted: str
    reason: str
    required: bool = False
    later: bool = False

    def missed(self, given: Any, *, flag: bool) -> str:
        """The value wanted instead of a given one; empty if the given one fits."""
        if given is None:
            return self.wanted if self.required else ""
        try:
            return "" if self.fits(meant(self.option.kind, given, flag=flag)) else self.wanted
        except UnclearError:
            return self.wanted if self.required else self.option.kind


def _all(cilium: Cilium) -> Iterator[Contradiction]:
    yield from _of_values(cilium, migration_values(cilium), migration_method(cilium), place="cilium.values")
    yield from _of_values(cilium, final_values(cilium), final_method(cilium), place="cilium.finalValues", alone=True)
    pools = (
        ("cilium.podCidr", cilium.pod_cidr, cilium.installed_pool),
        ("cilium.podCidrV6", cilium.pod_cidr_v6, cilium.installed_pool_v6),
    )
    for path, chosen, installed in pools:
        if installed and chosen != installed:
            yield Contradiction(
                path=path,
                wanted=f"'{installed}'",
                found=f"'{chosen}'",
                reason="Cilium runs with that pool, and a pool cannot be changed (cilium#27164)",
                place="the config",
            )
    if cilium.keeps_aws_rules and not cilium.installed_pool and cilium.release < _AWS_RULES_SINCE:
        yield Contradiction(
            path="cilium.version",
            wanted=f"{'.'.join(map(str, _AWS_RULES_SINCE))} or later",
            found=f"'{cilium.version}'",
            reason="earlier charts have no cni.iptablesRemoveAWSRules: their agents take AWS VPC CNI's rules off "
            "each node, and pods of the old network no longer get out of the VPC",
            place="the config",
        )


def _of_values(
    cilium: Cilium, values: Mapping[str, Any], method: list[MethodValue], *, place: str, alone: bool = False
) -> Iterator[Contradiction]:
    elsewhere = list(set_elsewhere(values))
    for rule in [*_of_method(method), *_of_limits(Ground(cilium=cilium, values=values), alone=alone)]:
        given = [(rule.option.path, value_at(values, rule.option.path))]
        given += [(each.place, each.text) for each in elsewhere if each.key in rule.option.keys]
        for where, value in given:
            unreadable = value is None and where != rule.option.path
            wanted = rule.wanted if unreadable else rule.missed(value, flag=where != rule.option.path)
            if wanted:
                yield Contradiction(
                    path=where,
                    wanted=wanted,
                    found="what another object holds" if unreadable else shown(value),
                    reason=rule.reason,
                    place=place,
                    later=rule.later,
                )
    for each in elsewhere:
        if each.place.startswith("extraConfig.") and not isinstance(each.text, str):
            yield Contradiction(
                path=each.place,
                wanted=Kind.TEXT,
                found=shown(each.text),
                reason="Kubernetes takes nothing else in a ConfigMap: write it in quotes",
                place=place,
            )


def _of_method(method: list[MethodValue]) -> Iterator[_Rule]:
    for setting in method:
        if setting.needed:
            option = OPTIONS[setting.path]
            wanted = meant(option.kind, setting.value)
            yield _Rule(
                option=option,
                fits=partial(eq, wanted),
                wanted=repr(setting.value),
                reason=setting.instead or setting.reason,
                required=True,
            )


def _fits(limit: Limit, ground: Ground, value: Any) -> bool:
    return limit.fits(value, ground)


def _of_limits(ground: Ground, *, alone: bool) -> Iterator[_Rule]:
    for limit in LIMITS:
        if not (alone and limit.meanwhile):
            yield _Rule(
                option=OPTIONS[limit.path],
                fits=partial(_fits, limit, ground),
                wanted=limit.wanted_of(ground.cilium),
                reason=limit.reason,
                later=limit.meanwhile,
            )
