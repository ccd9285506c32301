#!/usr/bin/env bash
# A run of tailrace over the nodes of a Slurm allocation:
#   sbatch --nodes=4 examples/cluster/slurm.sh --url http://model:8000/v1 --model auto \
#     --concurrency 4000 --duration 120s
# What stands behind the script's name goes to `tailrace run`. tailrace[ray] must be installed
# where every node finds it: TAILRACE_VENV is that environment, if it is not active already.
#SBATCH --job-name=tailrace
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --exclusive
#SBATCH --time=01:00:00
set -euo pipefail

if [ -n "${TAILRACE_VENV:-}" ]; then source "$TAILRACE_VENV/bin/activate"; fi
export RAY_USAGE_STATS_ENABLED=0 RAY_worker_niceness=0
port="${RAY_PORT:-6379}"
cores="${SLURM_CPUS_PER_TASK:-8}"
nodes=($(scontrol show hostnames "$SLURM_JOB_NODELIST"))
head="${nodes[0]}"
address="$(srun --nodes=1 --ntasks=1 --nodelist="$head" hostname --ip-address | awk '{print $1}')"

# What is started here ends with this script, whatever way it ends.
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT

srun --overlap --nodes=1 --ntasks=1 --nodelist="$head" \
  ray start --head --block --node-ip-address="$address" --port="$port" --num-cpus=0 \
  --include-dashboard=false --disable-usage-stats &

# Nodes that come before the head would give up.
until (exec 3<>"/dev/tcp/$address/$port") 2>/dev/null; do sleep 0.5; done

for node in "${nodes[@]}"; do
  srun --overlap --nodes=1 --ntasks=1 --nodelist="$node" \
    ray start --block --address="$address:$port" --num-cpus="$cores" --disable-usage-stats &
done

workers=$((cores * ${#nodes[@]}))
until [ "$(ray status --address="$address:$port" 2>/dev/null | grep -c '^ 1 node_')" -gt "${#nodes[@]}" ]
do
  if [ "$(jobs -rp | wc -l)" -le "${#nodes[@]}" ]; then
    echo "a node of $SLURM_JOB_NODELIST could not join the Ray cluster" >&2
    exit 2
  fi
  sleep 1
done
tailrace run --fleet "$address:$port" --workers "$workers" "$@"
