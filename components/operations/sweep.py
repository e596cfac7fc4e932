"""What an old CNI leaves on a node: interfaces, packet filter chains, sets, routes, CNI conf, annotations.

The sweep runs in the node's Cilium agent, which has the host's network, its CNI folder and the tools.
"""

from dataclasses import dataclass

from components.operations import agent as agents
from components.operations.api import Cluster, Object
from components.operations.marks import node_path

_UNAVAILABLE = "NetworkUnavailable"
# Rules may be in either of iptables' two stores, whichever the old CNI's own image preferred. Rules are taken apart by
# xargs, which knows quotes and nothing else of a shell. tunl0 belongs to the kernel's module: it can only be put down.
_SCRIPT = r"""
links=$1 chains=$2 comments=$3 sets=$4 conf=$5 tables=$6 protocols=$7
either() { echo "$*" | tr -s ' ' '|'; }
match() {
  for name in $(ls /sys/class/net); do for wanted in $links; do case $name in $wanted) echo "$name";; esac; done; done
}
tools() {
  for tool in iptables-nft iptables-legacy ip6tables-nft ip6tables-legacy iptables ip6tables; do
    command -v $tool >/dev/null 2>&1 && echo $tool
  done
}
ours="^-A ($(either $chains))"
sign="-j ($(either ${chains:-nothing-of-the-kind}))"
[ -n "$comments" ] && sign="$sign|--comment \"?($(either $comments))"
own() { [ -n "$chains" ] && $1 -w 5 -t $2 -S 2>/dev/null | grep -oE -- "^-N ($(either $chains))\S*" | cut -d' ' -f2; }
foreign() { [ -n "$chains" ] && $1 -w 5 -t $2 -S 2>/dev/null | grep '^-A' | grep -vE -- "$ours" | grep -E -- "$sign"; }
for link in $(match); do
  case $link in tunl0) ip address flush dev tunl0; ip link set tunl0 down;; *) ip link delete "$link";; esac
done
for protocol in $protocols; do ip route flush proto "$protocol"; ip -6 route flush proto "$protocol"; done 2>/dev/null
for tool in $(tools); do
  for table in raw mangle nat filter; do
    foreign $tool $table | sed 's/^-A/-D/' | xargs -r -L1 $tool -w 5 -t $table
    for chain in $(own $tool $table); do $tool -w 5 -t $table -F "$chain"; done
    for chain in $(own $tool $table); do $tool -w 5 -t $table -X "$chain"; done
  done
done
if [ -n "$sets" ] && command -v ipset >/dev/null 2>&1; then
  for name in $(ipset list -n | grep -E "^($(either $sets))"); do ipset destroy "$name"; done
fi
if [ -n "$tables" ] && command -v nft >/dev/null 2>&1; then
  nft list tables | grep -E " ($(either $tables))" | cut -d" " -f2- | xargs -r -L1 nft delete table
fi
for word in $conf; do rm -f /host/etc/cni/net.d/*"$word"*; done
left=""
for link in $(match); do [ "$link" = tunl0 ] || left="$left link:$link"; done
for tool in $(tools); do
  for table in raw mangle nat filter; do
    [ -n "$(own $tool $table)$(foreign $tool $table)" ] && left="$left chains:$tool-$table"
  done
done
for word in $conf; do
  for file in /host/etc/cni/net.d/*"$word"*; do [ -e "$file" ] && left="$left conf:${file##*/}"; done
done
echo "left:$left"
"""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Leftovers by what their names begin with (chains, sets, tables, annotations) or have in them (conf).

    `links` are interfaces, by name or by a pattern with `*`; `comments` begin the comments of rules that stand in other
    programs' chains; `protocols` are those of the routes that it made.
    """

    links: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    conf: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()

    def with_(self, other: "Sweep") -> "Sweep":
        """Both."""
        return Sweep(
            links=self.links + other.links,
            chains=self.chains + other.chains,
            comments=self.comments + other.comments,
            sets=self.sets + other.sets,
            conf=self.conf + other.conf,
            tables=self.tables + other.tables,
            protocols=self.protocols + other.protocols,
            annotations=self.annotations + other.annotations,
        )

    @property
    def arguments(self) -> list[str]:
        """The words of the script, in its order."""
        words = (self.links, self.chains, self.comments, self.sets, self.conf, self.tables, self.protocols)
        return [" ".join(dict.fromkeys(each)) for each in words]


CALICO = Sweep(
    links=("cali*", "vxlan.calico", "vxlan-v6.calico", "wireguard.cali", "wg-v6.cali", "tunl0"),
    chains=("cali-",),
    comments=("cali:",),
    sets=("cali40", "cali60"),
    conf=("calico",),
    protocols=("80", "bird"),  # Felix's own routes, and those that BIRD learnt
    annotations=("projectcalico.org/",),
)


def say_network_is_there(cluster: Cluster, node: Object) -> None:
    """Take back what Calico's agents say when they end: that their node has no network (its CalicoIsDown).

    Kubernetes taints such a node, and Cilium says it has one only when its own agent starts.
    """
    conditions = (node.get("status") or {}).get("conditions") or []
    if any(each["type"] == _UNAVAILABLE and each["status"] == "True" for each in conditions):
        said = {"type": _UNAVAILABLE, "status": "False", "reason": "CiliumIsUp", "message": "Cilium is the node's CNI"}
        path = f"{node_path(node['metadata']['name'])}/status"
        cluster.patch(path, {"status": {"conditions": [said]}}, strategic=True)


def sweep_node(cluster: Cluster, agent: agents.Agent, sweep: Sweep) -> str | None:
    """Remove what is left on the agent's node and on its Node object; what could not be removed, or None."""
    output = agents.run_in_agent(cluster, agent, ["sh", "-c", _SCRIPT, "sweep", *sweep.arguments])
    left = output.strip().splitlines()[-1].removeprefix("left:").strip()
    if left:
        return f"node {agent.node}: could not remove {left}; remove it by hand and run `pulumi up` again"
    node = cluster.get(node_path(agent.node))
    say_network_is_there(cluster, node)
    annotations = node["metadata"].get("annotations") or {}
    old = {key: None for key in annotations if sweep.annotations and key.startswith(sweep.annotations)}
    if old:
        cluster.patch(node_path(agent.node), {"metadata": {"annotations": old}})
    return None
