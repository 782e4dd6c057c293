# What `make demo` runs: the shipped suite twice, as it is and with one option changed. The second time asks
# every case, so that every gate is decided on all of them.
# The embedded reference system needs no model, no key and no network.
set -eu

step() { printf '\n$ %s\n' "$*"; }

expect() {  # expect CODE COMMAND...: run a command that must end with this exit code
  wanted=$1; shift
  step "$@"
  code=0; "$@" || code=$?
  printf 'exit %s\n' "$code"
  [ "$code" -eq "$wanted" ] || { echo "demo: expected exit $wanted" >&2; exit 1; }
}

rm -rf reports/runs/demo-unchanged reports/runs/demo-degraded
expect 0 harness check suites/support.yaml --run-id demo-unchanged
expect 1 harness check suites/support.yaml --run-id demo-degraded --candidate degraded --no-early-stop

cat <<'END'

The unchanged candidate passed, the degraded one failed. Look at
  reports/runs/demo-unchanged/report.html
  reports/runs/demo-degraded/report.html
  reports/harness.duckdb        harness query "select run_id, gate, outcome from verdicts"
END
