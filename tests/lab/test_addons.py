import json

import yaml

from scripts.lab.cluster import addons
from scripts.lab.cluster.layout import Layout
from scripts.lab.images import catalogue

_FLANNEL = """\
kind: ConfigMap
metadata: {name: kube-flannel-cfg}
data: {net-conf.json: '{"Network": "10.0.0.0/8", "EnableNFTables": false, "Backend": {"Type": "vxlan"}}'}
---
kind: DaemonSet
spec:
  template:
    spec:
      initContainers:
        - {name: plugin, image: "elsewhere/flannel-cni-plugin:v1"}
        - {name: conf, image: "elsewhere/flannel:v1"}
      containers: [{name: flannel, image: "elsewhere/flannel:v1"}]
"""


def test_flannel_gets_the_labs_images_and_network_and_keeps_the_rest() -> None:
    config, daemon_set = yaml.safe_load_all(addons.flannel_manifest(_FLANNEL, Layout(lab_id="lab-1")))
    network = json.loads(config["data"]["net-conf.json"])
    assert network == {
        "Network": "10.244.0.0/16",
        "EnableNFTables": False,
        "Backend": {"Type": "vxlan", "Port": 8472},
    }
    pod = daemon_set["spec"]["template"]["spec"]
    images = [container["image"] for container in (*pod["initContainers"], *pod["containers"])]
    assert images == [catalogue.FLANNEL_CNI_PLUGIN, catalogue.FLANNEL, catalogue.FLANNEL]


def test_coredns_serves_the_address_that_kubelets_hand_to_pods() -> None:
    layout = Layout(lab_id="lab-1")
    text = addons.coredns(layout)
    assert "${" not in text
    objects = {item["kind"]: item for item in yaml.safe_load_all(text)}
    assert objects["Service"]["spec"]["clusterIP"] == str(layout.dns)
    deployment = objects["Deployment"]["spec"]
    assert deployment["replicas"] == 2
    labels = deployment["template"]["metadata"]["labels"]
    assert labels == {"k8s-app": "kube-dns"} == objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]
