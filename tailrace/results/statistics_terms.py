"""Statistics terms: what bounds, steady states, objectives, knees and limits mean, in words. Pure.

Quoted by every result file, by the reports beside the figures, and by the documentation. This file
imports nothing, so that every other may quote it.
"""

from __future__ import annotations

STATISTICS: dict[str, str] = {
    "bounds": "of a percentile: low_ns and high_ns enclose the true one with 95 % confidence, by "
    "the binomial law of order statistics at effective_n samples; bound_ns is over it with 99 % "
    "confidence, by MLPerf's early-stopping rule (the largest number of samples over it that would "
    "be improbable were the percentile higher, at least one). None where too few samples have one, "
    "where fewer than 50 and than a third are effective, and above a sample that was cut off",
    "effective_n": "independent samples that the level's are worth for this percentile: n / (1 + 2 "
    "* sum of autocorrelations) in the order of sending, by Geyer's initial monotone sequence "
    "(1992), the smaller of that of the ranks and that of being over the percentile; all gaps of a "
    "request count as one sample",
    "order_of_every": "of so many requests the order of one was kept, 1 up to 30,000 requests: "
    "what rests on it (effective_n, steady_state, queue) rests on every 2nd, 4th or 8th above; "
    "effective_n is then a lower bound, so that bounds are wider and never too narrow",
    "steady_state": "MSER-5 (White 1997): how many samples from the beginning would have to go for "
    "the mean of the rest to have the smallest standard error, of TTFT by request and of tokens/s "
    "in 200 spans; shift is the part by which their mean is off, shift_error its standard error. "
    "Nothing is trimmed",
    "queue": "slope a second, by least squares, of the requests that were due and had not ended "
    "(open loop) and of TTFT; the standard error allows for dependent residuals; at_least_per_s is "
    "the slope less 2.326 of them",
    "over_time": "the level in 96 spans of bin_ns from its begin to its end: TTFT by when the "
    "first output came, gaps by when they ended, of every phase; p50 and p99 of a span are the "
    "upper edge of a bucket 2.4 % wide, at most its exact maximum; ended is requests by outcome or "
    "class of error; ttft_points are [sent, TTFT] of evenly chosen requests and the 20 slowest; "
    "sampled are some requests: evenly chosen, the slowest, and those with the longest gaps",
    "rounds": "of the values of a figure in the rounds of one level: mean, sample standard "
    "deviation, and the 95 % t interval of the mean; n is the number of rounds",
    "knee": "the level with the highest power, requests per second / mean E2E (Kleinrock 1979; "
    "from the intended time in an open loop), of three levels or more; at an end of the levels the "
    "knee may lie beyond",
    "slo": "an objective is met as measured. A percentile below its sample floor cannot be told, "
    "unless its lower bound at 99 % misses the limit. sure: the bound at 99 % is on the same side "
    "of the limit as the measured value",
    "goodput": "requests that ended ok and whose own latencies are within the limit of every "
    "latency objective (of icl and itl: the same percentile of the request's own gaps); per second "
    "those that ended in the window, as a share of all measured requests that ended, failed ones "
    "included",
    "error_rate": "measured requests that ended in an error or a timeout, as a share of those that "
    "ended ok, error, timeout or censored",
    "limit": "the most users, or the highest rate, that meet the objectives. Each probe's outcome "
    "is taken as right with 98 % where its bounds are sure, 80 % as measured, 65 % where it cannot "
    "be told; the interval has 95 % of what Bayes' rule then leaves over, from even odds on a "
    "logarithmic scale",
}
