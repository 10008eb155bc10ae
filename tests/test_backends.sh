#!/bin/sh
# The fast CPU backend on whole networks: stock cfgs give what backend=plain gives; runs repeat to the bit; AVX2 and bf16.
#
# needs: backends
set -u

program=$(env -u MAKEFLAGS -u MAKELEVEL make -s -f scripts/compile.mk where)/tests/backends_main
