# SPDX-License-Identifier: Apache-2.0
#
# Reads `contestant key=value ...`, one line for each round; prints least, median and most, and the
# ratio of the medians to those of the contestant `base`.

function sort(values, n,    i, j, v) {
    for (i = 2; i <= n; i++) {
        v = values[i]
        for (j = i - 1; j >= 1 && values[j] > v; j--)
            values[j + 1] = values[j]
        values[j + 1] = v
    }
}

function summary(name, what,    i, n, values) {
    n = rounds[name]
    for (i = 1; i <= n; i++)
        values[i] = figure[name, what, i]
    sort(values, n)
    least = values[1]
    most = values[n]
    median = n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
}

function ratio(value, to) {
    return to == 0 ? "      -" : sprintf("%6.2fx", value / to)
}

{
    name = $1
    if (!(name in rounds))
        order[++contestants] = name
    round = ++rounds[name]
    for (i = 2; i <= NF; i++) {
        split($i, pair, "=")
        field[pair[1]] = pair[2]
    }
    figure[name, "rate", round] = field["lines"] / field["seconds"] / 1000
    figure[name, "cpu", round] = field["life_s"] / field["lines"] * 1e6
    figure[name, "rss", round] = field["rss_kb"] / 1024
    figure[name, "disk", round] = field["disk"] / 1048576
}

END {
    summary(base, "rate"); base_rate = median
    summary(base, "cpu"); base_cpu = median
    printf "%-20s %26s %26s %9s %9s %7s %7s\n", "", "1000 lines/s", "CPU-s per million lines",
        "RSS", "on disk", "speed", "CPU"
    printf "%-20s %8s %8s %8s %8s %8s %8s %9s %9s %15s\n", "", "least", "median", "most", "least",
        "median", "most", "MB", "MB", "of " base
    for (i = 1; i <= contestants; i++) {
        name = order[i]
        summary(name, "rate"); rate = median
        printf "%-20s %8.0f %8.0f %8.0f ", name, least, median, most
        summary(name, "cpu"); cpu = median
        printf "%8.2f %8.2f %8.2f ", least, median, most
        summary(name, "rss"); printf "%9.0f ", most
        summary(name, "disk"); printf "%9.0f ", median
        printf "%s %s\n", ratio(rate, base_rate), ratio(cpu, base_cpu)
    }
}
