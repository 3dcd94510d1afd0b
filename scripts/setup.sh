# Sourced by ./run and ./test: makes .venv, which holds what a lock file says and Kameng itself (editable).
# Needs Python 3.11 with venv and nothing else. Does nothing when .venv is as it should be; says what it does else.
# shellcheck shell=sh

say() {
    printf '%s\n' "$@" >&2
}

# The first Python here that is new enough and can make a virtual environment (Debian ships the two apart).
find_python() {
    for python in ${KAMENG_PYTHON:+"$KAMENG_PYTHON"} python3.11 python3 /usr/bin/python3.11 python3.12 python3.13; do
        if "$python" -c 'import sys, venv, ensurepip; ensurepip.version(); sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$python"
            return
        fi
    done
    say "Kameng needs Python 3.11 or newer with its venv module. On Debian 12:" \
        "卡盟需要 Python 3.11 或更新的版本及其 venv 模块。在 Debian 12 上运行：" "" \
        "    sudo apt-get update && sudo apt-get install -y python3 python3-venv" "" \
        "then run this again. KAMENG_PYTHON=/path/to/python3.11 names another one." \
        "然后重新运行本命令。也可以用 KAMENG_PYTHON=/path/to/python3.11 指定别的 Python。"
    return 1
}

# What .venv was made from: the folder (scripts inside name it), the lock, the package's own description.
fingerprint() {
    { printf '%s\n' "$root"; cat "$root/$1" "$root/pyproject.toml" "$root/scripts/setup.sh"; } | cksum
}

is_ready() {
    [ "$(cat "$root/.venv/.made-from-$1" 2>/dev/null)" = "$(fingerprint "$1")" ] &&
        "$root/.venv/bin/python" -c 'import kameng' 2>/dev/null
}

install_lock() {
    python=$(find_python) || return 1
    if [ -e "$root/.venv" ] && [ ! -w "$root/.venv" ]; then
        say "$root/.venv belongs to another user: remove it, or run this as that user." \
            "$root/.venv 属于另一个用户：请删除它，或改用那个用户运行。"
        return 1
    fi
    say "Setting up .venv from $1 (once; 1 to 3 minutes) …" "正在按 $1 准备 .venv（只需一次，约 1 至 3 分钟）……"
    rm -f "$root"/.venv/.made-from-*
    if ! "$root/.venv/bin/python" -m pip --version >/dev/null 2>&1; then
        "$python" -m venv --clear "$root/.venv" || return 1
    fi
    (
        unset PIP_USER PIP_TARGET PIP_PREFIX PYTHONHOME PYTHONPATH
        export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
        cd "$root"
        python="$root/.venv/bin/python"
        "$python" -m pip -qq install --require-hashes --only-binary :all: -r "$1" >&2 || exit
        "$python" -m pip -qq install --no-deps --no-build-isolation -e . >&2 || exit
        problems=$("$python" -m pip check) ||
            { say "$problems" "pyproject.toml and $1 differ: run scripts/lock. 两者不一致：请运行 scripts/lock。"; exit 1; }
    ) || {
        say "The set-up failed; the reason stands above. .venv is made again on the next run." \
            "准备失败，原因见上。下次运行会重新准备 .venv。"
        return 1
    }
    fingerprint "$1" >"$root/.venv/.made-from-$1"
}

# setup LOCK...: the first lock named is what .venv gets, unless it was already made from any of them.
setup() {
    for lock in "$@"; do
        if is_ready "$lock"; then return; fi
    done
    (
        # Two at once in one folder: the second waits, then finds it done.
        if command -v flock >/dev/null; then flock 9; fi
        for lock in "$@"; do
            if is_ready "$lock"; then exit; fi
        done
        install_lock "$1"
    ) 9<"$root"
}
