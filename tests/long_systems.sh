#!/bin/sh
# The README's commands on Debian 12 and 13 from nothing, as root and without, with each compiler and option.
# timeout: 10800
if [ "${SANITIZE:-0}" = 1 ]; then
    echo "skip systems: they compile what they test themselves"
    exit 0
fi
exec tests/systems.sh
