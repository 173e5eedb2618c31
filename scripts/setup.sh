# Sourced by the other commands: changes to the checkout's root and puts a uv that fits this workspace on PATH.

cd "$(dirname "$0")/.."
cache="$PWD/.cache"

# Behind pyenv's shims uv finds only the selected interpreter; this selects all, the current one first.
if command -v pyenv >/dev/null; then
    PYENV_VERSION="$(pyenv version-name):$(pyenv versions --bare | grep -E '^3\.1[0-9]+\.[0-9]+$' | paste -sd: -)"
    export PYENV_VERSION
fi

# Fails if uv is missing or older than the workspace's required-version.
uv_suits() { uv version --short >/dev/null 2>&1; }

if ! uv_suits; then
    PATH="$cache/uv/bin:$PATH"
    if ! uv_suits; then
        python3 -m venv "$cache/uv"
        "$cache/uv/bin/pip" install --quiet --upgrade uv
    fi
fi
