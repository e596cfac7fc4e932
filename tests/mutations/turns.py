"""Faults in a turn's order, its marks, and how it goes on after it was broken off."""

from tests.mutations.mutation import Mutation

_ORDER = ("tests/turns/test_order.py",)
_KILLED = ("tests/turns/test_killed.py",)
_REFUSED = ("tests/turns/test_refused.py",)
_RESUMED = ("tests/turns/test_resumed.py",)
_AGENT = (
    "    agents.restart(cluster, turn.node, namespace=turn.cilium_namespace, "
    "timeout_seconds=turn.agent_timeout_seconds)\n"
)
_SAID = """    progress.step("restore", "the old network's CNI conf takes the place of Cilium's")\n"""
_RESTORE = (
    '    files = run_on_node(cluster, turn.node, "restore_cni_conf", pods=turn.pods, arguments=[turn.cni_conf])\n'
)

MUTATIONS = (
    Mutation(
        id="cordon-forgets-an-earlier-one",
        file="cordon.py",
        old="remembered if remembered is not None else str(node.unschedulable).lower()",
        new='remembered if remembered is not None else "false"',
        stands_for="a node that its operator had cordoned takes pods after its turn",
        tests=_ORDER,
    ),
    Mutation(
        id="cordon-forgets-what-it-wrote",
        file="cordon.py",
        old="remembered if remembered is not None else str(node.unschedulable).lower()",
        new="str(node.unschedulable).lower()",
        stands_for="a turn that goes on takes its own cordon for the operator's, and the node stays cordoned",
        tests=_KILLED,
    ),
    Mutation(
        id="uncordon-forgets-an-earlier-cordon",
        file="cordon.py",
        old='if node.annotations.get(CORDONED_BEFORE) == "true":',
        new="if False:",
        stands_for="a node that its operator had cordoned takes pods after its turn",
        tests=_ORDER,
    ),
    Mutation(
        id="switched-node-drained-again",
        file="turn/there.py",
        old="if step_of(node) in (TurnStep.MIGRATED, TurnStep.SWITCHING):",
        new="if step_of(node) is TurnStep.MIGRATED:",
        stands_for="pods that are on their new network already are evicted once more",
        tests=_RESUMED,
    ),
    Mutation(
        id="migrated-node-drained-again",
        file="turn/there.py",
        old="if step_of(node) in (TurnStep.MIGRATED, TurnStep.SWITCHING):",
        new="if step_of(node) is TurnStep.SWITCHING:",
        stands_for="after the stack's state was lost every node is drained anew",
        tests=_KILLED,
    ),
    Mutation(
        id="migrated-node-moved-again",
        file="turn/there.py",
        old="if drift(cluster, turn) is None:",
        new="if False:",
        stands_for="after the stack's state was lost every node is cordoned and verified anew",
        tests=_KILLED,
    ),
    Mutation(
        id="label-taken-off-is-not-set-again",
        file="turn/there.py",
        old='cluster.patch(node_path(turn.node), {"metadata": {"labels": {turn.label: "true"}}})',
        new="pass",
        stands_for="a label removed in mid-turn is a dead end",
        tests=("tests/operations/test_turn_label.py",),
    ),
    Mutation(
        id="switched-agent-re-created-again",
        file="turn/there.py",
        old="if found and found[0].ready and agents.active_conf(",
        new="if False and agents.active_conf(",
        stands_for="a turn that goes on starts an agent anew that does what it shall",
        tests=_KILLED,
    ),
    Mutation(
        id="late-pods-deleted-without-their-budget",
        file="turn/there.py",
        old="elif any(not _of_daemon_set(pod) for pod in stale_pods(cluster, turn.node, stale=stale)):",
        new="elif False:",
        stands_for="pods that came onto the node before its switch are deleted past their budgets",
        tests=_RESUMED,
    ),
    Mutation(
        id="turns-marks-stay",
        file="turn/there.py",
        old="**{**dict.fromkeys(_OF_A_TURN), **given_back}",
        new="**given_back",
        stands_for="the next turn believes what this one wrote: cordons, boot IDs, who was ill",
        tests=_ORDER,
    ),
    Mutation(
        id="missing-route-accepted",
        file="turn/there.py",
        old="if missing or not blocks:",
        new="if not blocks:",
        stands_for="a node without a route to one of its blocks is called migrated",
        tests=_REFUSED,
    ),
    Mutation(
        id="in-place-verified-after-the-pods-went",
        file="turn/there.py",
        old="""            verified = verification.end()
            evicted = renew_in_place(cluster, turn, stale=stale, network="Cilium", progress=progress)
""",
        new="""            evicted = renew_in_place(cluster, turn, stale=stale, network="Cilium", progress=progress)
            verified = verification.end()
""",
        stands_for="pods are moved onto a network that nobody has proved",
        tests=_REFUSED,
    ),
    Mutation(
        id="way-back-restores-before-the-agent",
        file="turn/back.py",
        old=f"{_AGENT}{_SAID}{_RESTORE}",
        new=f"{_RESTORE}{_SAID}{_AGENT}",
        stands_for="an agent that still manages the CNI conf undoes its restoration",
        tests=_ORDER,
    ),
    Mutation(
        id="way-back-not-drained",
        file="turn/back.py",
        old="""        drain(cluster, turn.node, options=turn.drain, progress=progress)
        progress.done("drained")
""",
        new="""        progress.done("drained")
""",
        stands_for="pods of a node that goes back are deleted past their budgets",
        tests=("tests/turns/test_back.py",),
    ),
    Mutation(
        id="way-back-touches-what-never-left",
        file="turn/back.py",
        old="if step_of(node) in (TurnStep.DRAINING, TurnStep.DRAINED):",
        new="if False:",
        stands_for="a node that was only drained has its agent and pods renewed for nothing",
        tests=_RESUMED,
    ),
    Mutation(
        id="way-back-keeps-our-marks",
        file="turn/back.py",
        old="        clear(cluster, turn.node, besides=released(read_node(cluster, turn.node)))\n",
        new="",
        stands_for="a node that went back is taken for one in its turn",
        tests=_ORDER,
    ),
    Mutation(
        id="way-back-while-cilium-manages-every-node",
        file="turn/back.py",
        old="if manages_every_node(read_live_config(cluster, namespace=turn.cilium_namespace)):",
        new="if False:",
        stands_for="a node goes back whose agent takes the CNI conf over again at once",
        tests=_REFUSED,
    ),
    Mutation(
        id="every-node-managed-means-none",
        file="live_config.py",
        old='live.get("custom-cni-conf") == "false"',
        new='live.get("custom-cni-conf") != "false"',
        stands_for="no node can go back in the phase in which it could, and the other way about",
        tests=_ORDER,
    ),
    Mutation(
        id="ill-before-noted-too-early",
        file="turn/there.py",
        old="""        cordon(cluster, turn.node, step=TurnStep.DRAINING, hold=turn.hold)
        remember_not_ready(cluster, turn.node)
""",
        new="""        remember_not_ready(cluster, turn.node)
        cordon(cluster, turn.node, step=TurnStep.DRAINING, hold=turn.hold)
""",
        stands_for="a run killed in between leaves a note that a later turn believes",
        tests=("tests/turns/test_back.py",),
    ),
    Mutation(
        id="ill-before-not-noted",
        file="turn/there.py",
        old="        remember_not_ready(cluster, turn.node)\n",
        new="",
        stands_for="a turn that goes on waits for pods that were ill before it",
        tests=_RESUMED,
    ),
    Mutation(
        id="ill-before-not-noted-on-the-way-back",
        file="turn/back.py",
        old="        remember_not_ready(cluster, turn.node)\n",
        new="",
        stands_for="a way back that goes on waits for pods that were ill before it",
        tests=_RESUMED,
    ),
    Mutation(
        id="drained-not-noted",
        file="turn/there.py",
        old="        mark(cluster, turn.node, TurnStep.DRAINED)\n",
        new="",
        stands_for="a node that waits for its label is shown as one that is being drained",
        tests=_RESUMED,
    ),
    Mutation(
        id="switching-not-noted",
        file="turn/there.py",
        old="    cordon(cluster, turn.node, step=TurnStep.SWITCHING, hold=turn.hold)\n",
        new="",
        stands_for="a node that was switched is given back as one that never left the old network",
        tests=_KILLED,
    ),
    Mutation(
        id="watched-not-waited-for",
        file="turn/there.py",
        old="    if turn.watched:\n",
        new="    if False:\n",
        stands_for="the next node is touched while what preflight.watched names is not well",
        tests=_RESUMED,
    ),
    Mutation(
        id="drift-overlooks-the-label",
        file="turn/drift.py",
        old='if node.labels.get(turn.label) != "true":',
        new="if False:",
        stands_for="a refresh does not see that the label was removed",
        tests=_RESUMED,
    ),
    Mutation(
        id="drift-overlooks-the-cni-conf",
        file="turn/drift.py",
        old="[:1] != [turn.cni_conf]:",
        new="[:0] != []:",
        stands_for="a refresh does not see that another CNI is in charge again",
        tests=_RESUMED,
    ),
    Mutation(
        id="second-reboot",
        file="reboot.py",
        old="done = before is not None and before != node.boot_id",
        new="done = False",
        stands_for="a turn that goes on reboots its node a second time",
        tests=_KILLED,
    ),
    Mutation(
        id="boot-id-of-each-run",
        file="reboot.py",
        old="        if before is None:\n",
        new="        if False:\n",
        stands_for="the boot ID before the reboot is never written down, so a turn that goes on reboots again",
        tests=_KILLED,
    ),
    Mutation(
        id="reboot-not-waited-for",
        file="reboot.py",
        old="        if now.boot_id == before:\n",
        new="        if False:\n",
        stands_for="a node that has not rebooted yet is taken for one that is back",
        tests=_REFUSED,
    ),
    Mutation(
        id="command-run-again",
        file="restart.py",
        old="if read_node(cluster, node).annotations.get(RESTARTED):",
        new="if False:",
        stands_for="a turn that goes on restarts its node a second time",
        tests=_RESUMED,
    ),
    Mutation(
        id="command-that-failed-is-done",
        file="restart.py",
        old="if done.returncode != 0:",
        new="if False:",
        stands_for="a node whose restart failed goes on in its turn",
        tests=_REFUSED,
    ),
)
