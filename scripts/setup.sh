# Sourced by the commands beside it: goes to the checkout's root and puts a uv that suits this workspace on PATH.

cd "$(dirname "$0")/.."
cache="$PWD/.cache"

# Behind pyenv's shims uv finds no interpreter but the selected one; this selects all, the present choice first.
if command -v pyenv >/dev/null; then
    PYENV_VERSION="$(pyenv version-name):$(pyenv versions --bare | grep -E '^3\.1[0-9]+\.[0-9]+$' | paste -sd: -)"
    export PYENV_VERSION
fi

# Fails without a uv, and with one that is older than the workspace's required-version.
uv_suits() { uv version --short >/dev/null 2>&1; }

if ! uv_suits; then
    PATH="$cache/uv/bin:$PATH"
    if ! uv_suits; then
        python3 -m venv "$cache/uv"
        "$cache/uv/bin/pip" install --quiet --upgrade uv
    fi
fi
