#!/bin/sh
# Whether Mien gives the same answers on ARM, under emulation (Debian on x86-64, Python 3.11; some minutes):
#
#     benchmarks/arm.sh FOLDER PICTURE...
#
# FOLDER gets QEMU, Debian's Python and the wheels of requirements/base.txt for aarch64 (1.1 GB); nothing is installed.
# The processors have, in order: no instructions for int8, dot products, int8 matrix products, and those of SVE. For each
# of them onnxruntime has kernels of its own.
set -eu
mkdir -p "$1"
folder=$(realpath "$1")
shift
python=${PYTHON:-.venv/bin/python}
root=$folder/root
packages=$folder/packages
cpu=$root/sys/devices/system/cpu

if [ ! -d "$root" ]; then
    mkdir -p "$folder/lists/partial" "$folder/archives/partial" "$folder/qemu"
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
    platforms=$(for glibc in 2_17 2_24 2_26 2_27 2_28 2_31; do echo "--platform manylinux_${glibc}_aarch64"; done)
    # shellcheck disable=SC2086  # words
    "$python" -m pip install --quiet --no-deps --require-hashes --requirement requirements/base.txt \
        --target "$packages" --only-binary :all: --python-version 3.11 $platforms --platform manylinux2014_aarch64
fi

emulate() { # PROCESSOR ARGUMENT...: Debian's Python on it
    features="fp asimd crc32 cpuid"
    [ "$1" = cortex-a72 ] || features="$features atomics asimdrdm asimddp"
    printf 'processor\t: 0\nFeatures\t: %s\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0c\n\n' \
        "$features" >"$root/proc/cpuinfo"
    processor=$1
    shift
    PYTHONPATH=$packages:service:. timeout 300 "$folder/qemu/usr/bin/qemu-aarch64-static" -cpu "$processor" -L "$root" \
        "$root/usr/bin/python3.11" "$@"
}

"$python" -m benchmarks.same_outputs record "$folder/outputs.npz" "$@"
mien='import sys; from mien.cli.main import main; sys.exit(main())'
"$python" -c "$mien" predict --json "$folder/here.json" "$@" 2>/dev/null
for processor in cortex-a72 neoverse-n1 max,sve=off max; do
    echo "== $processor"
    emulate "$processor" -m benchmarks.same_outputs compare "$folder/outputs.npz"
    # QEMU sometimes stops or hangs in a program of many threads, as this one is.
    if emulate "$processor" -c "$mien" predict --json "$folder/arm.json" "$@" 2>/dev/null; then
        "$python" -m benchmarks.same_answers "$folder/here.json" "$folder/arm.json"
    else
        echo "QEMU has failed; try again"
    fi
done
