#!/bin/sh
# The rewriter over every message of the corpora, judged by Python.  Skipped
# with a word where the corpora are not there.
set -eu

here=$(dirname "$0")
corpora=${SMIME_CORPORA:-$here/../../../shared/corpora}
rewrite=${BUILD:-$here/../../build}/test/tool/mime_rewrite

if [ ! -d "$corpora" ]; then
	echo "skipped: no corpora in $corpora"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
if [ ! -x "$rewrite" ]; then
	echo "mime_corpus: $rewrite is not built (make tools)"
	exit 2
fi
if python3 "$here/mime_judge.py" corpus "$corpora" "$rewrite" "$@"; then
	echo "1 passed, 0 failed, 0 skipped"
else
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
