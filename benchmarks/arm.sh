#!/bin/sh
# Whether the networks give the same outputs on ARM, under emulation (Debian on x86-64; half a minute a processor):
#
#     python -m benchmarks.same_outputs record outputs.npz PICTURE...
#     benchmarks/arm.sh FOLDER outputs.npz
#
# FOLDER gets QEMU, Debian's Python and the wheels of NumPy and onnxruntime for aarch64 (450 MB); nothing is installed.
# The processors have, in order: no int8 instructions, dot products, int8 matrix products, and those of SVE. For each
# of them onnxruntime has kernels of its own.
set -eu
folder=$(realpath "$1")
outputs=$(realpath "$2")
python=${PYTHON:-.venv/bin/python}
root=$folder/root
packages=$folder/packages
cpu=$root/sys/devices/system/cpu

if [ ! -d "$root" ]; then
    mkdir -p "$folder/lists/partial" "$folder/archives/partial" "$folder/qemu" "$packages"
    fetch() {
        apt-get --quiet=2 -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root \
            -o Dir::State::Lists="$folder/lists" -o Dir::State::Status=/dev/null \
            -o Dir::Cache="$folder" -o Dir::Cache::Archives="$folder/archives" -o Debug::NoLocking=1 "$@"
    }
    fetch update
    fetch install --yes --download-only --no-install-recommends python3.11 libstdc++6
    for package in "$folder"/archives/*.deb; do dpkg-deb -x "$package" "$root"; done
    (cd "$folder/qemu" && apt-get --quiet=2 download qemu-user-static && dpkg-deb -x ./*.deb .)
    # QEMU shows these files instead of the machine's own, which describe another kind of processor: onnxruntime
    # crashes on them.
    mkdir -p "$root/proc" "$cpu/cpu0/topology" "$cpu/cpu0/cpufreq"
    for file in kernel_max possible present cpu0/topology/physical_package_id cpu0/topology/cluster_cpus_list; do
        echo 0 >"$cpu/$file"
    done
    echo 2600000 | tee "$cpu/cpu0/cpufreq/cpuinfo_max_freq" >"$cpu/cpu0/cpufreq/cpuinfo_min_freq"
    for package in numpy onnxruntime; do
        version=$("$python" -c "import $package; print($package.__version__)")
        "$python" -m pip install --quiet --no-deps --target "$packages" --only-binary :all: --python-version 3.11 \
            --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 "$package==$version"
    done
fi

for processor in cortex-a72 neoverse-n1 max,sve=off max; do
    echo "== $processor"
    features="fp asimd crc32 cpuid"
    [ "$processor" = cortex-a72 ] || features="$features atomics asimdrdm asimddp"
    printf 'processor\t: 0\nFeatures\t: %s\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0c\n\n' \
        "$features" >"$root/proc/cpuinfo"
    PYTHONPATH=$packages:service:. "$folder/qemu/usr/bin/qemu-aarch64-static" -cpu "$processor" -L "$root" \
        "$root/usr/bin/python3.11" -m benchmarks.same_outputs compare "$outputs"
done
