#!/bin/sh
# The sources are as clang-format leaves them, and shellcheck has nothing to say about the scripts. Skipped where Debian
# 12's versions are not installed, as others judge differently.
set -u

failed=0

if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    unformatted=$(clang-format --dry-run -Werror src/*.[ch] tests/*.[ch] tests/*/*.[ch] 2>&1 | sed -n 's/:.*//p' | grep -E '\.[ch]$' | sort -u | tr '\n' ' ')
    if [ -z "$unformatted" ]; then
        echo "ok sources_are_formatted"
    else
        echo "not ok sources_are_formatted: make format changes $unformatted"
        failed=1
    fi
else
    echo "skip sources_are_formatted: no clang-format 14 here"
fi

if shellcheck --version 2>/dev/null | grep -q 'version: 0\.9\.'; then
    if findings=$(shellcheck -x scripts/*.sh tests/*.sh .ci/run 2>&1); then
        echo "ok scripts_pass_shellcheck"
    else
        echo "$findings"
        echo "not ok scripts_pass_shellcheck: see above"
        failed=1
    fi
else
    echo "skip scripts_pass_shellcheck: no shellcheck 0.9 here"
fi
exit $failed
