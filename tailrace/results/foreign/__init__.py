"""Foreign results: what other load generators wrote, as a run of ours."""
