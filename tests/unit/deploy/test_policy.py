"""The manifests agree with one another, the Dockerfile and the service; `make manifests` checks their form."""

import tomllib
from pathlib import PurePosixPath
from typing import Any

import pytest

from mien.images.limits import DecodeLimits
from mien.settings import Settings
from mien.video.model import ClipLimits
from tests.unit.deploy.manifests import KUBERNETES, ROOT, read
from tools.checks import image

PORT = Settings.model_fields["port"].default
SHUTDOWN_SECONDS = Settings.model_fields["shutdown_seconds"].default


def manifest(name: str) -> Any:
    return read(KUBERNETES / f"base/{name}.yaml")


@pytest.fixture(scope="module")
def pod() -> Any:
    return manifest("deployment")["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def container(pod: Any) -> Any:
    (only,) = pod["containers"]
    return only


@pytest.fixture(scope="module")
def worker() -> Any:
    return read(KUBERNETES / "cluster/worker-statefulset.yaml")


@pytest.fixture(scope="module")
def services() -> Any:
    return read(ROOT / "docker-compose.yml")["services"]


@pytest.fixture(scope="module")
def final_stage() -> list[tuple[str, str]]:
    instructions = image.parse((ROOT / "Dockerfile").read_text())
    last = max(index for index, (keyword, _) in enumerate(instructions) if keyword == "FROM")
    return instructions[last:]


def test_selectors_find_the_pods() -> None:
    labels = manifest("deployment")["spec"]["template"]["metadata"]["labels"]
    assert manifest("deployment")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("service")["spec"]["selector"] == labels
    assert manifest("poddisruptionbudget")["spec"]["selector"]["matchLabels"] == labels
    assert manifest("networkpolicy")["spec"]["podSelector"]["matchLabels"] == labels


def environment(container: Any, name: str) -> Any:
    (entry,) = (entry for entry in container["env"] if entry["name"] == name)
    return entry["value"]


def test_selectors_find_the_workers(worker: Any) -> None:
    labels = worker["spec"]["template"]["metadata"]["labels"]
    assert labels != manifest("deployment")["spec"]["template"]["metadata"]["labels"]
    assert worker["spec"]["selector"]["matchLabels"] == labels

    def beside(name: str) -> Any:
        return read(KUBERNETES / f"cluster/worker-{name}.yaml")

    assert worker["spec"]["serviceName"] == beside("service")["metadata"]["name"]
    assert beside("service")["spec"]["selector"] == labels
    assert beside("poddisruptionbudget")["spec"]["selector"]["matchLabels"] == labels
    assert beside("networkpolicy")["spec"]["podSelector"]["matchLabels"] == labels
    for scaler, scaled in (
        (beside("horizontalpodautoscaler"), worker),
        (read(KUBERNETES / "cluster/horizontalpodautoscaler.yaml"), manifest("deployment")),
    ):
        target = {"apiVersion": scaled["apiVersion"], "kind": scaled["kind"], "name": scaled["metadata"]["name"]}
        assert scaler["spec"]["scaleTargetRef"] == target


def test_a_worker_is_run_as_the_service_is(worker: Any, pod: Any, container: Any) -> None:
    spec = worker["spec"]["template"]["spec"]
    (only,) = spec["containers"]
    for name in ("image", "ports", "startupProbe", "livenessProbe", "readinessProbe", "securityContext", "resources"):
        assert only[name] == container[name], name
    for name in ("securityContext", "serviceAccountName", "automountServiceAccountToken", "enableServiceLinks"):
        assert spec[name] == pod[name], name
    assert only["args"] == ["worker"]
    assert spec["terminationGracePeriodSeconds"] > SHUTDOWN_SECONDS
    # Its name is its own, and the same after a restart.
    (name,) = (entry for entry in only["env"] if entry["name"] == "MIEN_EXECUTOR_ID")
    assert name["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"


def test_only_the_single_pod_keeps_jobs_itself() -> None:
    patch = read(KUBERNETES / "single/deployment-patch.yaml")["spec"]
    assert patch["replicas"] == 1
    assert patch["strategy"]["type"] == "Recreate"
    (mount,) = patch["template"]["spec"]["containers"][0]["volumeMounts"]
    assert ("ENV", mount["mountPath"]) in [
        (key, word.partition("=")[2])
        for key, text in image.parse((ROOT / "Dockerfile").read_text())
        for word in text.split()
        if word.startswith("MIEN_DATA_DIR=")
    ]
    (variable,) = read(KUBERNETES / "cluster/deployment-patch.yaml")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert variable == {"name": "MIEN_JOB_WORKERS", "value": "0"}


def test_ports_agree(container: Any, services: Any, final_stage: list[tuple[str, str]]) -> None:
    port, metrics = container["ports"]
    assert port["containerPort"] == PORT
    assert manifest("service")["spec"]["ports"][0]["targetPort"] == port["name"]
    annotations = manifest("deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == environment(container, "MIEN_METRICS_PORT")
    assert annotations["prometheus.io/port"] == str(metrics["containerPort"])
    (ingress,) = manifest("networkpolicy")["spec"]["ingress"]
    assert [entry["port"] for entry in ingress["ports"]] == [port["name"], metrics["name"]]
    assert services["mien"]["expose"] == [services["mien"]["environment"]["MIEN_METRICS_PORT"]]
    assert ("EXPOSE", str(PORT)) in final_stage
    assert services["mien"]["ports"][0].endswith(f":{PORT}")


def test_each_probe_asks_its_own_path(container: Any) -> None:
    for probe, path in (("startup", "startup"), ("liveness", "live"), ("readiness", "ready")):
        assert container[f"{probe}Probe"]["httpGet"] == {"path": f"/health/{path}", "port": "http"}


def test_no_process_can_be_root_or_write_to_its_code(pod: Any, container: Any, services: Any) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/tmp"}  # noqa: S108
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_image_and_the_pod_name_the_same_user(pod: Any, final_stage: list[tuple[str, str]]) -> None:
    context = pod["securityContext"]
    assert ("USER", f"{context['runAsUser']}:{context['runAsGroup']}") in final_stage


def test_requests_in_flight_have_time_to_finish(pod: Any, container: Any, services: Any) -> None:
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > pause + SHUTDOWN_SECONDS
    assert int(services["mien"]["stop_grace_period"].removesuffix("s")) > SHUTDOWN_SECONDS


def test_there_is_one_worker_per_core_granted(container: Any, services: Any) -> None:
    (workers,) = (entry for entry in container["env"] if entry["name"] == "MIEN_WORKERS")
    assert workers["valueFrom"]["resourceFieldRef"]["resource"] == "limits.cpu"
    limits = services["mien"]["deploy"]["resources"]["limits"]
    assert services["mien"]["environment"]["MIEN_WORKERS"] == limits["cpus"]


def test_every_setting_named_exists(
    container: Any, worker: Any, services: Any, final_stage: list[tuple[str, str]]
) -> None:
    named = {entry["name"] for entry in container["env"] + worker["spec"]["template"]["spec"]["containers"][0]["env"]}
    named |= {name for service in services.values() for name in service.get("environment", ())}
    named |= {word.split("=")[0] for key, text in final_stage if key == "ENV" for word in text.split() if "=" in word}
    known = {f"MIEN_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in named if name.startswith("MIEN_")} <= known


def test_what_listens_on_every_address_has_keys_or_says_that_it_needs_none(
    pod: Any, container: Any, services: Any, final_stage: list[tuple[str, str]]
) -> None:
    set_by_image = dict(word.split("=") for key, text in final_stage if key == "ENV" for word in text.split())
    assert set_by_image["MIEN_HOST"] == "0.0.0.0"  # noqa: S104
    assert not {"MIEN_ALLOW_ANONYMOUS", "MIEN_API_KEYS"} & set(set_by_image), "each run of the image decides"
    assert "yes" in services["mien"]["environment"]["MIEN_ALLOW_ANONYMOUS"]
    path = PurePosixPath(environment(container, "MIEN_KEYS_FILE"))
    (mount,) = (mount for mount in container["volumeMounts"] if mount["mountPath"] == str(path.parent))
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == mount["name"])
    assert volume["secret"]["secretName"] == "mien-keys"


def test_nothing_listens_beyond_this_machine_by_default(services: Any) -> None:
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_the_pods_image_is_this_version(container: Any) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert container["image"] == f"mien:{version}"


def _bytes(quantity: str) -> int:
    """Of Kubernetes' Mi and Gi, or compose's m, M and G, which are binary as well."""
    units = {"m": 2**20, "g": 2**30}
    number = quantity.rstrip("iMGmg")
    return int(number) * units[quantity[len(number)].lower()]


def test_memory_and_spool_hold_the_largest_picture_and_clip(pod: Any, container: Any, services: Any) -> None:
    largest = DecodeLimits(max_pixels=Settings.model_fields["max_pixels"].default).memory
    decode = largest + largest // 2  # large and small ones, as in mien.images.decoder
    clip = Settings.model_fields["max_clip_bytes"].default
    idle = 256 * 2**20  # 171 MiB after a thousand requests (benchmarks/http_latency), and a margin
    workers = 2
    clip_decode = (28 + 2 * (workers + 1)) * ClipLimits().max_pixels * 3 // 2  # as mien.video.decoder, 8 bits
    bodies = (4 * workers + 4 + workers // 2) * Settings.model_fields[
        "max_body_bytes"
    ].default  # a thread each, as mien.app has it
    worst = idle + decode + clip_decode + bodies
    assert _bytes(container["resources"]["limits"]["memory"]) >= worst
    (volume,) = (volume for volume in pod["volumes"] if "emptyDir" in volume)
    assert _bytes(volume["emptyDir"]["sizeLimit"]) >= 2 * clip
    (tmpfs,) = services["mien"]["tmpfs"]
    spool = _bytes(tmpfs.split("size=")[1].split(",")[0])
    assert spool >= 2 * clip
    assert _bytes(services["mien"]["deploy"]["resources"]["limits"]["memory"]) >= worst + spool
