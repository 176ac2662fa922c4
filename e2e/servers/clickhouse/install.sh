#!/bin/sh
# Puts the ClickHouse engine for tests into the folder named, once, and prints the Python that has it. Two that start at
# the same time wait for each other. About 200 MB come from the Python package index; PIP_INDEX_URL names another.
set -eu
dir=$1
version=26.9.0
python=$dir/$version/bin/python
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
if [ ! -e "$dir/$version/complete" ]; then
    rm -rf "${dir:?}/$version"
    python3 -m venv "$dir/$version" >&2
    "$python" -m pip install --quiet --disable-pip-version-check --only-binary :all: "chdb-core==$version" >&2
    "$python" -c 'import chdb.session' >&2
    touch "$dir/$version/complete"
fi
echo "$python"
