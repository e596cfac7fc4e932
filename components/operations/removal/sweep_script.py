"""The shell script that sweeps a node, run in the node's Cilium agent; its arguments are those of a Sweep.

It removes everything with the given names, then checks every place again, and prints `left:` with what remains.
"""

# Rules may be in either of iptables' two stores, whichever the old CNI's own image preferred. Rules are taken apart by
# xargs, which knows quotes and nothing else of a shell. tunl0 belongs to the kernel's module and may be somebody else's
# besides: it loses the addresses of the old network, and is put down if it has no others. Routes within the old pod
# networks are the old CNI's if nobody gave them a mark of their own (boot), or BIRD did, which leaves them when it
# ends; outside of these networks they may be the node's way out. Words are patterns of files at the end alone.
SCRIPT = r"""
set -f
links=$1 chains=$2 comments=$3 bare=$4 sets=$5 conf=$6 protocols=$7 networks=$8 priorities=$9 folder=${10}
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
[ -n "$bare" ] && sign="$sign|$(either $bare)"
own() { [ -n "$chains" ] && $1 -w 5 -t $2 -S 2>/dev/null | grep -oE -- "^-N ($(either $chains))\S*" | cut -d' ' -f2; }
foreign() { [ -n "$chains" ] && $1 -w 5 -t $2 -S 2>/dev/null | grep '^-A' | grep -vE -- "$ours" | grep -E -- "$sign"; }
own_sets() { [ -n "$sets" ] && ipset list -n 2>/dev/null | grep -E "^($(either $sets))"; }
of_family() { for network in $networks; do case $1$network in -6*:*|-4*.*) echo "$network";; esac; done; }
all_routes() {
  for protocol in $protocols; do ip $1 route show table all proto "$protocol"; done
  for network in $(of_family $1); do
    for protocol in boot bird; do ip $1 route show table all root "$network" proto $protocol; done
  done
}
own_routes() { all_routes $1 2>/dev/null | grep -vE 'nexthop|dev (cilium_|lxc)' | sed -E 's/ (linkdown|dead)//g'; }
own_rules() {
  [ -n "$priorities" ] && ip $1 rule show 2>/dev/null | grep -E "^($(either $priorities)):\s+not from all fwmark \S+/"
}
own_policies() {
  for network in $networks; do ip -o xfrm policy list src "$network" dst "$network" 2>/dev/null; done |
    sed -nE 's/^(src \S+ dst \S+)\s.*\sdir (in|out|fwd)\s.*/\1 dir \2/p'
}
on_tunnel() { for network in $networks; do ip -o address show dev tunl0 to "$network" 2>/dev/null; done; }
for link in $(match); do
  case $link in
    tunl0)
      [ -n "$(on_tunnel)" ] || continue
      for network in $networks; do ip address flush dev tunl0 to "$network"; done
      [ -n "$(ip -o address show dev tunl0 scope global)" ] || ip link set tunl0 down;;
    *) ip link delete "$link";;
  esac
done
for family in -4 -6; do
  own_routes $family | while read -r route; do ip $family route del $route; done
  own_rules $family | while read -r priority rule; do ip $family rule del pref "${priority%:}" $rule; done
done
own_policies | while read -r policy; do ip xfrm policy delete $policy; done
for tool in $(tools); do
  for table in raw mangle nat filter; do
    foreign $tool $table | sed 's/^-A/-D/' | xargs -r -L1 $tool -w 5 -t $table
    for chain in $(own $tool $table); do $tool -w 5 -t $table -F "$chain"; done
    for chain in $(own $tool $table); do $tool -w 5 -t $table -X "$chain"; done
  done
done
for name in $(own_sets); do ipset destroy "$name"; done
left=""
for link in $(match); do [ "$link" = tunl0 ] && [ -z "$(on_tunnel)" ] || left="$left link:$link"; done
for tool in $(tools); do
  for table in raw mangle nat filter; do
    [ -n "$(own $tool $table)$(foreign $tool $table)" ] && left="$left chains:$tool-$table"
  done
done
set +f
for word in $conf; do rm -rf "$folder"/*"$word"*; done
for word in $conf; do
  for file in "$folder"/*"$word"*; do [ -e "$file" ] && left="$left conf:${file##*/}"; done
done
for name in $(own_sets); do left="$left set:$name"; done
for family in -4 -6; do
  [ -n "$(own_routes $family)" ] && left="$left routes:$family"
  [ -n "$(own_rules $family)" ] && left="$left rules:$family"
done
[ -n "$(own_policies)" ] && left="$left ipsec-policies"
echo "left:$left"
"""
