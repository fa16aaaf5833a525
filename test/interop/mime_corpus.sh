#!/bin/sh
# The rewriter over every message of the corpora, judged by Python.  Skipped
# with a word where the corpora are not there.
set -eu

here=$(dirname "$0")
corpora=${SMIME_CORPORA:-$here/../../../shared/corpora}
rewrite=${BUILD:-$here/../../build}/test/tool/mime_rewrite

if [ ! -d "$corpora" ]; then
	echo "SKIP mime_corpus: no corpora in $corpora"
	exit 0
fi
if [ ! -x "$rewrite" ]; then
	echo "mime_corpus: $rewrite is not built (make tools)"
	exit 2
fi
exec python3 "$here/mime_judge.py" corpus "$corpora" "$rewrite" "$@"
