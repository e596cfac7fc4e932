import json
import tarfile
from pathlib import Path

from scripts.lab.images import archive, store


def test_the_same_content_gives_the_same_layer(tmp_path: Path) -> None:
    source = tmp_path / "program"
    source.write_text("echo hello\n")
    digests = set()
    for attempt in ("a", "b"):
        source.touch()
        (tmp_path / attempt).mkdir()
        layer = archive.layer_of_files({"/bin/program": source}, scratch=tmp_path / attempt, name="layer")
        digests.add(layer.digest)
    assert len(digests) == 1


def test_a_layer_has_files_folders_and_links_at_their_places(tmp_path: Path) -> None:
    script = tmp_path / "start.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o444)
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "one.c").write_text("int x;\n")
    layer = archive.layer_of_files(
        {"/start.sh": script, "/var/lib/programs": folder, "/usr/bin/other": "one"}, scratch=tmp_path, name="layer"
    )
    with tarfile.open(layer.tar) as tar:
        assert tar.getmember("./start.sh").mode == 0o755
        assert tar.getmember("./var/lib/programs/one.c").isfile()
        assert tar.getmember("./usr/bin/other").linkname == "one"
    assert not (tmp_path / "layer.folder").exists()


def test_images_that_share_a_layer_store_it_once(tmp_path: Path) -> None:
    layers = []
    for name in ("base", "program"):
        (tmp_path / name).write_text(name)
        layers.append(archive.layer_of_files({f"/{name}": tmp_path / name}, scratch=tmp_path, name=f"{name}-layer"))
    base, program = layers
    target = tmp_path / "images.tar"
    archive.write_archive(
        [
            archive.Image(name="lab.local/base:1", layers=(base,), command=("sh",)),
            archive.Image(name="lab.local/program:1", layers=(base, program), entrypoint=("/program",)),
        ],
        target,
    )
    with tarfile.open(target) as tar:
        names = tar.getnames()
        assert names.count(f"{base.digest}/layer.tar") == 1
        assert len(names) == len(set(names)) == 5
        manifest_file = tar.extractfile("manifest.json")
        assert manifest_file is not None
        manifest = json.load(manifest_file)
        assert [entry["RepoTags"] for entry in manifest] == [["lab.local/base:1"], ["lab.local/program:1"]]
        config_file = tar.extractfile(manifest[1]["Config"])
        assert config_file is not None
        config = json.load(config_file)
    assert config["rootfs"]["diff_ids"] == [f"sha256:{base.digest}", f"sha256:{program.digest}"]
    assert config["config"]["Entrypoint"] == ["/program"]
    assert config["config"]["Cmd"] is None


def test_nodes_share_files_of_the_store_and_have_their_own_databases(tmp_path: Path) -> None:
    original = tmp_path / "store"
    (original / "metadata").mkdir(parents=True)
    (original / "content").mkdir()
    (original / "metadata/meta.db").write_text("database")
    (original / "content/blob").write_text("layer")
    for node in ("one", "two"):
        store.copy_store(original, tmp_path / node / "containerd")
    first, second = tmp_path / "one/containerd", tmp_path / "two/containerd"
    assert (first / "content/blob").samefile(second / "content/blob")
    (first / "metadata/meta.db").write_text("changed")
    assert (second / "metadata/meta.db").read_text() == "database"
    assert (original / "metadata/meta.db").read_text() == "database"
