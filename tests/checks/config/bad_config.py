"""Mistakes in a stack's config, each with the one error line that it causes."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.checks.cases.makers import Make, alone, also, half_way, plain
from tests.checks.site import Site

Raw = Mapping[str, str]
_POOL = '{"podCidr": "10.245.0.0/16"}'
_WAVE = '[["worker-1"]]'


@dataclass(frozen=True, kw_only=True)
class Bad:
    """Config as the engine hands it over (texts, JSON where it is not plain), the key, the fact and the remedy."""

    name: str
    raw: Raw
    key: str
    fact: str
    remedy: str

    @property
    def line(self) -> str:
        """The beginning of the line."""
        return f"config {self.key}: {self.fact}"


def _http(settings: str) -> Raw:
    return {"gates": f'{{"prometheusUrl": "https://prometheus", "prometheusHttp": {{{settings}}}}}'}


def bad(name: str, raw: Raw, key: str, fact: str, remedy: str) -> Bad:
    return Bad(name=name, raw=raw, key=key, fact=fact, remedy=remedy)


# Told from the config alone.
WRITTEN = (
    # keys
    bad("key-typo", {"wavs": _WAVE}, "wavs", "there is no such setting", "did you mean waves?"),
    bad("key-typo-beside-what-relies-on-it", {"phse": "migrate", "waves": _WAVE}, "phse", "there is no such setting",
        "did you mean phase?"),
    bad("key-unknown", {"magic": "1"}, "magic", "there is no such setting", "the settings are acknowledge, cilium"),
    bad("key-case", {"Phase": "migrate"}, "Phase", "there is no such setting", "did you mean phase?"),
    bad("key-too-high", {"podCidr": "10.245.0.0/16"}, "podCidr", "there is no such setting",
        "did you mean cilium.podCidr?"),
    bad("key-without-path", {"cilium.podCidr": "10.1.0.0/16"}, "'cilium.podCidr'", "is one key with '.' in its name",
        "`pulumi config set --path 'cilium.podCidr' VALUE`"),
    bad("list-without-path", {"waves[0][0]": "worker-1"}, "'waves[0][0]'", "is one key with '[' in its name",
        "`pulumi config rm 'waves[0][0]'`"),
    bad("nested-key-typo", {"drain": '{"timoutSeconds": 60}'}, "drain.timoutSeconds", "there is no such setting",
        "did you mean timeoutSeconds?"),
    bad("nested-key-unknown", {"restart": '{"speed": 1}'}, "restart.speed", "there is no such setting",
        "the settings are command, method, timeoutSeconds"),
    bad("nested-key-elsewhere", {"drain": '{"tunnelPort": 8473}'}, "drain.tunnelPort", "there is no such setting",
        "did you mean cilium.tunnelPort?"),
    bad("kind-of-flow-typo", {"traffic": '{"budget": {"pod-htp": {}}}'}, "traffic.budget.pod-htp",
        "there is no such setting", "did you mean pod-http?"),
    bad("allowance-key", {"traffic": '{"budget": {"dns": {"gap": 5}}}'}, "traffic.budget.dns.gap",
        "there is no such setting", "did you mean gapMs?"),
    # choices
    bad("phase-typo", {"phase": "finalise"}, "phase", "'finalise' is not one of 'preflight', ",
        "did you mean 'finalize'?"),
    bad("phase-case", {"phase": "Secondary"}, "phase", "'Secondary' is not one of", "did you mean 'secondary'?"),
    bad("phase-nonsense", {"phase": "go"}, "phase", "'go' is not one of", "'cleanup'"),
    bad("strategy", {"strategy": "hybird"}, "strategy", "'hybird' is not one of", "did you mean 'hybrid'?"),
    bad("method", {"restart": '{"method": "recyle"}'}, "restart.method", "'recyle' is not one of",
        "did you mean 'recycle'?"),
    bad("protocol", {"cilium": '{"tunnelProtocol": "VXLAN"}'}, "cilium.tunnelProtocol", "'VXLAN' is not one of",
        "did you mean 'vxlan'?"),
    # types
    bad("text-for-number", {"drain": '{"timeoutSeconds": "10m"}'}, "drain.timeoutSeconds", "is '10m'",
        "must be a whole number such as 600"),
    bad("part-of-a-number", {"drain": '{"timeoutSeconds": 1.5}'}, "drain.timeoutSeconds", "is 1.5",
        "must be a whole number such as 600"),
    bad("true-for-number", {"probe": '{"timeoutSeconds": true}'}, "probe.timeoutSeconds", "is true",
        "must be a number such as 120"),
    bad("not-a-number", {"traffic": '{"pauseMs": NaN}'}, "traffic.pauseMs", "is NaN", "must be a number such as 5000"),
    bad("null-for-number", {"drain": '{"timeoutSeconds": null}'}, "drain.timeoutSeconds", "is null", "such as 600"),
    bad("text-for-switch", {"drain": '{"force": "perhaps"}'}, "drain.force", "is 'perhaps'", "must be true or false"),
    bad("text-for-a-switch-of-the-stack", {"holdAutoscalers": "karpenter"}, "holdAutoscalers", "is 'karpenter'",
        "must be true or false"),
    bad("number-for-text", {"cilium": '{"version": 1.19}'}, "cilium.version", "is 1.19",
        "must be a text such as 1.19.7: in the stack's file put it in quotes"),
    bad("text-for-list", {"waves": "worker-1"}, "waves", "is 'worker-1', must be a list",
        "`pulumi config rm --path 'waves'`, then `pulumi config set --path 'waves[0][0]' worker-1`"),
    bad("list-for-list-of-lists", {"waves": '["worker-1"]', "phase": "migrate"}, "waves[0]",
        "is 'worker-1', must be a list", "in the stack's file write [worker-1]"),
    bad("text-for-list-within", {"policies": '{"acceptLost": "NetworkPolicy"}'}, "policies.acceptLost",
        "is 'NetworkPolicy', must be a list", "set --path 'policies.acceptLost[0]' NetworkPolicy`"),
    bad("text-for-section", {"cilium": "1.19.7"}, "cilium", "is '1.19.7', must have settings in it",
        "`pulumi config rm --path 'cilium'`"),
    bad("text-for-section-within", {"traffic": '{"budget": {"dns": "none"}}'}, "traffic.budget.dns",
        "is 'none', must have settings in it", "`pulumi config rm --path 'traffic.budget.dns'`"),
    bad("list-for-section", {"acknowledge": '["clocks"]'}, "acknowledge", 'is ["clocks"], must have settings in it',
        "`pulumi config set --path 'acknowledge.NAME' VALUE`"),
    bad("broken-json", {"waves": '[["worker-1"'}, "waves", "is not valid JSON", "`pulumi config rm waves`"),
    # bounds
    bad("zero-seconds", {"drain": '{"timeoutSeconds": 0}'}, "drain.timeoutSeconds", "is 0, must be more than 0",
        "such as 600"),
    bad("port-too-high", {"cilium": '{"tunnelPort": "84730"}'}, "cilium.tunnelPort",
        "is '84730'", "must be at most 65535"),
    bad("true-for-a-number-or-nothing", {"cilium": '{"tunnelPort": true}'}, "cilium.tunnelPort", "is true",
        "must be a number"),
    bad("baseline-too-short", {"traffic": '{"baselineSeconds": 1}'}, "traffic.baselineSeconds",
        "is 1, must be at least 4", "such as 20"),
    # networks
    bad("cidr-without-length", {"cilium": '{"podCidr": "10.245.0.0"}'}, "cilium.podCidr",
        "'10.245.0.0' has no prefix length", "such as 10.245.0.0/16"),
    bad("cidr-of-an-address", {"cilium": '{"podCidr": "10.245.0.1/16"}'}, "cilium.podCidr", "'10.245.0.1/16' is not",
        "did you mean 10.245.0.0/16?"),
    bad("cidr-with-netmask", {"cilium": '{"podCidr": "10.245.0.0/255.255.0.0"}'}, "cilium.podCidr",
        "'10.245.0.0/255.255.0.0' is not how a network is written", "did you mean 10.245.0.0/16?"),
    bad("cidr-too-long", {"cilium": '{"podCidr": "10.245.0.0/33"}'}, "cilium.podCidr",
        "'10.245.0.0/33' is not a network", "such as 10.245.0.0/16"),
    bad("cidr-with-comma", {"cilium": '{"podCidr": "10,245.0.0/16"}'}, "cilium.podCidr",
        "'10,245.0.0/16' is not a network", "such as 10.245.0.0/16"),
    bad("cidr-ipv6", {"cilium": '{"podCidr": "fd00::/104"}'}, "cilium.podCidr", "'fd00::/104' is IPv6",
        "such as 10.245.0.0/16"),
    bad("mask-as-wide-as-pool", {"cilium": '{"podCidr": "10.245.0.0/16", "nodeMaskSize": 16}'}, "cilium.nodeMaskSize",
        "16 leaves no room for several nodes in podCidr 10.245.0.0/16", "choose a larger nodeMaskSize"),
    # forms of texts
    bad("version-with-v", {"cilium": '{"version": "v1.19.7"}'}, "cilium.version", "'v1.19.7' is not a version in full",
        "such as 1.19.7 (no 'v' before it)"),
    bad("version-latest", {"cilium": '{"version": "latest"}'}, "cilium.version", "'latest' is not a version in full",
        "such as 1.19.7"),
    bad("namespace", {"cilium": '{"namespace": "Kube_System"}'}, "cilium.namespace", "'Kube_System' is not the name",
        "such as kube-system"),
    bad("node-name", {"phase": "migrate", "waves": '[["Worker_1"]]'}, "waves[0][0]", "'Worker_1' is not the name",
        "such as worker-1"),
    bad("workload-kind", {"preflight": '{"required": ["Pod shop/web"]}'}, "preflight.required[0]",
        "'Pod shop/web' is not a workload", "such as 'DaemonSet kube-system/foo'"),
    bad("removed-kind", {"cleanup": '{"remove": ["Daemonset shop/web"]}'}, "cleanup.remove[0]",
        "'Daemonset shop/web' does not begin with a kind", "did you mean DaemonSet?"),
    bad("removed-kind-unknown", {"cleanup": '{"remove": ["Node worker-1"]}'}, "cleanup.remove[0]",
        "'Node worker-1' does not begin with a kind", "kinds are DaemonSet, Deployment"),
    bad("removed-without-namespace", {"cleanup": '{"remove": ["ConfigMap web"]}'}, "cleanup.remove[0]",
        "'ConfigMap web' is not how a ConfigMap is named", "write 'ConfigMap NAMESPACE/NAME'"),
    bad("removed-with-namespace", {"cleanup": '{"remove": ["ClusterRole shop/web"]}'}, "cleanup.remove[0]",
        "'ClusterRole shop/web' is not how a ClusterRole is named", "write 'ClusterRole NAME'"),
    bad("image", {"probe": '{"image": "python: 3.13"}'}, "probe.image", "'python: 3.13' is not an image",
        "such as python:3.13-slim"),
    bad("url-without-scheme", {"gates": '{"prometheusUrl": "prometheus:9090"}'}, "gates.prometheusUrl",
        "'prometheus:9090' is not an address", "such as http://prometheus.monitoring:9090"),
    bad("url-of-another-scheme", {"gates": '{"prometheusUrl": "ftp://olga:hush@prometheus/x"}'}, "gates.prometheusUrl",
        "'ftp://…@prometheus/x' is not an address", "such as http://prometheus.monitoring:9090"),
    bad("url-without-scheme-with-password", {"gates": '{"goldpingerUrl": "olga:hush@ping"}'}, "gates.goldpingerUrl",
        "'…@ping' is not an address", "such as http://prometheus.monitoring:9090"),
    bad("url-with-slash-in-password", {"gates": '{"prometheusUrl": "https://olga:1/hush@prometheus"}'},
        "gates.prometheusUrl", "'https://…@prometheus' is not an address", "write / as %2F and @ as %40"),
    bad("url-with-at-in-password", {"gates": '{"prometheusUrl": "https://olga@x:hush@prometheus"}'},
        "gates.prometheusUrl", "'https://…@prometheus' is not an address", "write / as %2F and @ as %40"),
    bad("url-with-query", {"gates": '{"prometheusUrl": "https://prometheus/?token=hush"}'}, "gates.prometheusUrl",
        "'https://prometheus/' has something behind its path", "write it without"),
    bad("url-with-port-that-is-none", {"gates": '{"prometheusUrl": "https://prometheus:90900"}'}, "gates.prometheusUrl",
        "'https://prometheus:90900' is not an address", "such as http://prometheus.monitoring:9090"),
    bad("token-and-basic", _http('"bearerToken": "hush", "basicAuth": {"username": "olga", "password": "hush"}'),
        "gates.prometheusHttp.basicAuth", "is set, and so is bearerToken", "keep one of the two"),
    bad("token-twice", _http('"bearerToken": "hush", "bearerTokenFile": "/x"'), "gates.prometheusHttp.bearerTokenFile",
        "is set, and so is bearerToken", "keep one of the two"),
    bad("token-empty", _http('"bearerToken": " "'), "gates.prometheusHttp.bearerToken", "is empty", ""),
    bad("token-of-two-lines", _http('"bearerToken": "hush\\nX-Other: hush"'), "gates.prometheusHttp.bearerToken",
        "is no token", "it has spaces, line ends or signs beyond ASCII in it"),
    bad("token-as-number", _http('"bearerToken": 40414243'), "gates.prometheusHttp.bearerToken", "is [secret], must be",
        "in the stack's file put it in quotes"),
    bad("token-for-section", {"gates": '{"prometheusHttp": "hush"}'}, "gates.prometheusHttp",
        "is [secret], must have settings in it", "`pulumi config rm --path 'gates.prometheusHttp'`"),
    bad("pair-for-basic", _http('"basicAuth": "olga:hush"'), "gates.prometheusHttp.basicAuth",
        "is [secret], must have settings in it", "set --path 'gates.prometheusHttp.basicAuth.user"),
    bad("basic-without-password", _http('"basicAuth": {"username": "olga"}'), "gates.prometheusHttp.basicAuth.password",
        "is needed beside username", "set password with `--secret`, or passwordFile"),
    bad("basic-without-name", _http('"basicAuth": {"password": "hush"}'), "gates.prometheusHttp.basicAuth.username",
        "is needed here", "`pulumi config set --path"),
    bad("basic-with-colon", _http('"basicAuth": {"username": "olga:hush", "password": "hush"}'),
        "gates.prometheusHttp.basicAuth.username", "cannot be sent", "must not be empty, and have neither ':'"),
    bad("password-empty", _http('"basicAuth": {"username": "olga", "password": ""}'),
        "gates.prometheusHttp.basicAuth.password", "is empty", "set it with `--secret`"),
    bad("user-twice", {"gates": '{"prometheusUrl": "https://olga:hush@p", "prometheusHttp": {"bearerToken": "hush"}}'},
        "gates.prometheusHttp.bearerToken", "is set, and prometheusUrl has a user's name in it", "keep one of the two"),
    bad("ca-as-path", _http('"tlsConfig": {"ca": "/etc/ssl/own.pem"}'), "gates.prometheusHttp.tlsConfig.ca",
        "holds no certificate as PEM", "(ca takes its contents, caFile a path)"),
    bad("ca-broken", _http('"tlsConfig": {"ca": "-----BEGIN CERTIFICATE-----\\nhush"}'),
        "gates.prometheusHttp.tlsConfig.ca", "is no certificate", "though it begins like one"),
    bad("ca-not-there", _http('"tlsConfig": {"caFile": "/nonexistent"}'), "gates.prometheusHttp.tlsConfig.caFile",
        "names a file that cannot be read", "No such file or directory"),
    bad("credentials-for-nobody", {"gates": '{"goldpingerHttp": {"bearerToken": "hush"}}'}, "gates.goldpingerHttp",
        "is set, but goldpingerUrl is not", "set that too, or remove it"),
    bad("http-key", _http('"insecureSkipVerify": true'), "gates.prometheusHttp.insecureSkipVerify",
        "there is no such setting", "the settings are basicAuth, bearerToken, bearerTokenFile, tlsConfig"),
    bad("expression", {"gates": '{"ignoreAlerts": "("}'}, "gates.ignoreAlerts", "'(' is not a regular expression",
        "such as Watchdog"),
    bad("selector", {"drain": '{"podSelector": "app in web"}'}, "drain.podSelector",
        "'app in web' is no label selector", "key in (a, b)"),
    bad("source-kind", {"source": '{"kind": "cannal"}'}, "source.kind", "'cannal' is not one of",
        "did you mean 'canal'?"),
    bad("source-key", {"source": '{"podNetwork": "10.1.0.0/16"}'}, "source.podNetwork", "there is no such setting",
        "did you mean podNetworks?"),
    bad("source-place", {"source": '{"podNetworks": ["10.1.0.0/16"], "daemonSet": "aws-node"}'}, "source.daemonSet",
        "'aws-node' is not NAMESPACE/NAME", "such as kube-system/aws-node"),
    # what does not go together
    bad("source-without-networks", {"source": '{"kind": "generic"}'}, "source.podNetworks",
        "is needed for kind 'generic'", "the networks that pods have addresses from"),
    bad("source-described-twice", {"source": '{"kind": "canal", "mtu": 1450}'}, "source.kind",
        "'canal' is described by the cluster itself", "only 'generic' takes more keys"),
    bad("node-twice", {"phase": "migrate", "waves": '[["a"], ["b", "a"]]'}, "waves[1][1]",
        "node a is in waves[0][0] already", "keep one of the two"),
    bad("empty-wave", {"phase": "migrate", "waves": '[["a"], []]'}, "waves[1]", "is empty", "name a node in it"),
    bad("waves-too-early", {"waves": _WAVE}, "waves", "name worker-1, but phase is 'preflight'",
        "set phase to 'secondary' or later"),
    bad("command-without-node", {"restart": '{"method": "command", "command": "reboot"}'}, "restart.command",
        "has no {node} in it", "'docker restart {node}'"),
    bad("command-unused", {"restart": '{"command": "reboot {node}"}'}, "restart.command",
        "is set, but method is 'recycle'", "set method to 'command' or remove it"),
    bad("in-place-and-reboot", {"drain": '{"inPlace": true}', "restart": '{"method": "reboot"}'}, "drain.inPlace",
        "renews the pods one by one", "set restart.method to 'recycle'"),
    bad("reason-missing", {"acknowledge": '{"clocks": " "}'}, "acknowledge.clocks", "has no reason",
        "say why its findings do no harm here"),
    bad("check-typo", {"acknowledge": '{"pod-cidr": "why not"}'}, "acknowledge.pod-cidr", "there is no such check",
        "did you mean pod-cidr-free?"),
    bad("check-unknown", {"acknowledge": '{"everything": "why not"}'}, "acknowledge.everything",
        "there is no such check", "docs/checks.md has all of them"),
    bad("gate", {"acknowledge": '{"one-run": "we agreed"}'}, "acknowledge.one-run",
        "is a gate, which cannot be acknowledged", "remove it"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Unfit:
    """Config that reads well and does not fit the cluster; `begins` is how its line does, `ends` the remedy."""

    name: str
    raw: Raw
    begins: str
    ends: str
    make: Make = plain


def with_a_block_of_the_pool(site: Site) -> None:
    site.node("worker-3", pod_cidrs=("10.245.7.0/24",))


def settled(site: Site) -> None:
    """Cilium runs beside Flannel."""
    site.nodes()
    site.cilium()


def _busy(site: Site) -> None:
    site.pod("game", ports=[{"containerPort": 1, "hostPort": 8473, "protocol": "UDP"}])


UNFIT = (
    Unfit(name="overlaps-the-old-pods", raw={"phase": "secondary", "cilium": '{"podCidr": "10.244.128.0/17"}'},
          begins="[pod-cidr-free] cilium.podCidr 10.244.128.0/17 overlaps 10.244.0.0/16, which is used by the pods of",
          ends="dr, and a free range is chosen; or set one that nothing uses"),
    Unfit(name="overlaps-services", raw={"phase": "secondary", "cilium": '{"podCidr": "10.96.0.0/12"}'},
          begins="[pod-cidr-free] cilium.podCidr 10.96.0.0/12 overlaps 10.96.0.0/16, which is used by the cluster's",
          ends="dr, and a free range is chosen; or set one that nothing uses"),
    Unfit(name="overlaps-a-nodes-pods", raw={"phase": "secondary", "cilium": _POOL},
          make=also(with_a_block_of_the_pool),
          begins="[pod-cidr-free] cilium.podCidr 10.245.0.0/16 overlaps 10.245.7.0/24, which is used by the pods of no",
          ends="dr, and a free range is chosen; or set one that nothing uses"),
    Unfit(name="pool-too-small",
          raw={"phase": "secondary", "cilium": '{"podCidr": "10.245.0.0/16", "nodeMaskSize": 17}'},
          make=also(lambda site: site.node("worker-3")),
          begins="[pod-cidr-capacity] cilium.podCidr 10.245.0.0/16 holds 2 blocks of /17, the cluster has 3 nodes",
          ends="choose a larger cilium.podCidr or a larger cilium.nodeMaskSize"),
    Unfit(name="flannels-port", raw={"phase": "secondary", "cilium": '{"tunnelPort": "8472"}'},
          begins="[tunnel-port-free] cilium.tunnelPort 8472 is the UDP port of Flannel",
          ends="e one is chosen; or set one that nothing uses"),
    Unfit(name="port-of-a-pod", raw={"phase": "secondary", "cilium": '{"tunnelPort": 8473}'}, make=also(_busy),
          begins="[tunnel-port-free] cilium.tunnelPort 8473 is used by pod shop/game on node worker-1",
          ends="e one is chosen; or set one that nothing uses"),
    Unfit(name="value-against-the-method",
          raw={"phase": "secondary", "cilium": '{"values": {"policyEnforcementMode": "always"}}'},
          begins="[method-values] cilium.values sets policyEnforcementMode to 'always', the migration needs 'never'",
          ends="would be dropped)"),
    Unfit(name="node-typo", raw={"phase": "migrate", "waves": '[["worker1"]]'}, make=settled,
          begins="[nodes-known] node worker1 of the waves is not in the cluster (config waves[0][0])",
          ends="did you mean worker-1?"),
    Unfit(name="node-unknown", raw={"phase": "migrate", "waves": '[["worker-1"], ["db"]]'}, make=half_way,
          begins="[nodes-known] node db of the waves is not in the cluster (config waves[1][0])",
          ends="remove it from waves; the nodes are worker-1, worker-2"),
    Unfit(name="phase-too-early", raw={"phase": "migrate", "waves": _WAVE},
          begins="[secondary-complete] phase 'migrate' moves nodes, but Cilium is not installed yet",
          ends="`pulumi config set phase secondary` and `pulumi config set waves '[]'`, then `pulumi up`"),
    Unfit(name="finalize-with-a-node-left", raw={"phase": "finalize", "waves": '[["worker-1"]]'}, make=half_way,
          begins="[all-nodes-migrated] phase 'finalize' needs every node on Cilium, but 1 of 2 are: worker-2 is not",
          ends="put it into `waves` with phase 'migrate' and run `pulumi up`"),
    Unfit(name="consent-to-another-cni", make=alone,
          raw={"phase": "cleanup", "waves": '[["worker-1"], ["worker-2"]]', "cleanup": '{"consent": "calico"}'},
          begins="[cleanup-consent] phase 'cleanup' removes Flannel for good",
          ends="`pulumi config set --path cleanup.consent flannel`"),
    Unfit(name="required-workload-missing", raw={"preflight": '{"required": ["DaemonSet shop/none"]}'},
          begins="[required-workloads] DaemonSet shop/none does not exist, and preflight.required names it",
          ends="bring it back, or take it out of preflight.required"),
)  # fmt: skip
