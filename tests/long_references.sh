#!/bin/sh
# The reference numbers of the schedules are what their 50-digit oracle computes, anew: six minutes.
set -u
name=schedule_csv_is_what_its_oracle_computes
if ! /usr/bin/python3 -c 'import mpmath' 2>/dev/null; then
    echo "skip $name: needs Debian's python3-mpmath"
    exit 0
fi
if why=$(/usr/bin/python3 tests/reference/schedule.py --check 2>&1); then
    echo "ok $name"
else
    echo "not ok $name: $(echo "$why" | tail -n 1)"
    exit 1
fi
