"""The parts of the lab: for each its exact version and its build settings."""

from dataclasses import dataclass

KUBERNETES_VERSION = "1.36.4"
CILIUM_VERSION = "1.19.7"
CALICO_VERSION = "3.28.5"
# A commit of that release's branch, by the only version name that Go's module proxy has for it.
CALICO_MODULE = "v1.11.0-cni-plugin.0.20250813170300-a0db560f0520"
CALICO_API_MODULE = "v0.0.0-20240708202104-e3f70b269c2c"
FLANNEL_VERSION = "0.28.4"
PULUMI_VERSION = "3.259.0"
PULUMI_PYTHON_HOST_VERSION = "3.79.0"


@dataclass(frozen=True, kw_only=True)
class GoPart:
    """A build of one Go module; `module` is the folder under `modules/` whose go.mod pins every dependency.

    `binaries` maps file names to the packages that they are built from.
    """

    name: str
    version: str
    binaries: dict[str, str]
    module: str = ""
    tags: tuple[str, ...] = ()
    linker_flags: tuple[str, ...] = ("-s", "-w")
    cgo: bool = False

    @property
    def module_folder(self) -> str:
        """The folder under `modules/`; by default the part's own name."""
        return self.module or self.name


_KUBERNETES_LINKER_FLAGS = (
    "-s",
    "-w",
    # Helm and others refuse v0.0.0-master, the version of a build without a stamp.
    f"-X k8s.io/component-base/version.gitVersion=v{KUBERNETES_VERSION}",
    "-X k8s.io/component-base/version.gitMajor=1",
    "-X k8s.io/component-base/version.gitMinor=36",
    "-X k8s.io/component-base/version.gitTreeState=clean",
    f"-X k8s.io/client-go/pkg/version.gitVersion=v{KUBERNETES_VERSION}",
)
_STATIC = ("-s", "-w", "-extldflags=-static")

PULUMI = GoPart(
    name="pulumi",
    version=PULUMI_VERSION,
    binaries={"pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"},
    linker_flags=("-s", "-w", f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{PULUMI_VERSION}"),
)
PULUMI_PYTHON_HOST = GoPart(
    name="pulumi-language-python",
    version=PULUMI_PYTHON_HOST_VERSION,
    binaries={"pulumi-language-python": "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"},
)

KUBERNETES = GoPart(
    name="kubernetes",
    version=KUBERNETES_VERSION,
    binaries={
        name: f"k8s.io/kubernetes/cmd/{name}"
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
    },
    linker_flags=_KUBERNETES_LINKER_FLAGS,
)
# A separate part, as a simulated cluster runs without these programs.
KUBERNETES_NODE = GoPart(
    name="kubernetes-node",
    version=KUBERNETES_VERSION,
    module="kubernetes",
    binaries={name: f"k8s.io/kubernetes/cmd/{name}" for name in ("kubelet", "kube-proxy")},
    linker_flags=_KUBERNETES_LINKER_FLAGS,
)

ETCD = GoPart(name="etcd", version="3.6.8", binaries={"etcd": "go.etcd.io/etcd/server/v3"})
HELM = GoPart(
    name="helm",
    version="4.3.1",
    binaries={"helm": "helm.sh/helm/v4/cmd/helm"},
    linker_flags=("-s", "-w", "-X helm.sh/helm/v4/internal/version.version=v4.3.1"),
)
CONTAINERD = GoPart(
    name="containerd",
    version="2.2.0",
    binaries={
        name: f"github.com/containerd/containerd/v2/cmd/{name}"
        for name in ("containerd", "containerd-shim-runc-v2", "ctr")
    },
    tags=("no_btrfs", "no_devmapper", "no_zfs"),
    linker_flags=("-s", "-w", "-X github.com/containerd/containerd/v2/version.Version=v2.2.0"),
)
RUNC = GoPart(
    name="runc",
    version="1.4.0",
    binaries={"runc": "github.com/opencontainers/runc"},
    # Without seccomp every pod with the RuntimeDefault profile fails to start.
    tags=("seccomp", "netgo", "osusergo"),
    linker_flags=(*_STATIC, "-X main.version=1.4.0"),
    cgo=True,
)
CNI_PLUGINS = GoPart(
    name="cni-plugins",
    version="1.9.1",
    binaries={
        "bandwidth": "github.com/containernetworking/plugins/plugins/meta/bandwidth",
        "bridge": "github.com/containernetworking/plugins/plugins/main/bridge",
        "loopback": "github.com/containernetworking/plugins/plugins/main/loopback",
        "host-local": "github.com/containernetworking/plugins/plugins/ipam/host-local",
        "portmap": "github.com/containernetworking/plugins/plugins/meta/portmap",
    },
)
FLANNEL_CNI_PLUGIN = GoPart(
    name="flannel-cni-plugin",
    version="0.9.1",
    binaries={"flannel": "github.com/containernetworking/plugins/plugins/meta/flannel"},
)
FLANNEL = GoPart(
    name="flannel",
    version=FLANNEL_VERSION,
    binaries={"flanneld": "github.com/flannel-io/flannel"},
    tags=("netgo", "osusergo"),
    linker_flags=(*_STATIC, f"-X github.com/flannel-io/flannel/pkg/version.Version=v{FLANNEL_VERSION}"),
    cgo=True,  # its udp back end on amd64
)
COREDNS = GoPart(name="coredns", version="1.13.1", binaries={"coredns": "github.com/coredns/coredns"})

CILIUM_BINARIES = {
    "cilium-agent": "./daemon",
    "cilium-dbg": "./cilium-dbg",
    "cilium-health": "./cilium-health",
    "cilium-health-responder": "./cilium-health/responder",
    "cilium-cni": "./plugins/cilium-cni",
    "cilium-mount": "./tools/mount",
    "cilium-sysctlfix": "./tools/sysctlfix",
}

CALICO_PROGRAMS = (
    "./node/cmd/calico-node",
    "./node/cmd/mountns",
    "./cni-plugin/cmd/calico",
    "./cni-plugin/cmd/install",
    "./kube-controllers/cmd/kube-controllers",
    "./kube-controllers/cmd/check-status",
)
