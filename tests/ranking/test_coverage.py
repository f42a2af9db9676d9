"""Nominal 95 % is near 95 %: short runs of the coverage benchmark, seeded."""

import pytest

from benchmarks import ranking_coverage as bench


@pytest.mark.parametrize(
    ("trial", "low", "high"),
    [
        pytest.param(bench.independent(100, 6), 0.92, 0.98, id="few votes"),
        pytest.param(bench.independent(2000, 12, ties=0.9), 0.93, 0.975, id="many ties"),
        pytest.param(bench.clustered(30, 100, by_annotator=True), 0.93, 0.98, id="annotators with tastes"),
        pytest.param(bench.clustered(30, 100, by_annotator=False), 0.0, 0.87, id="tastes ignored"),
        pytest.param(
            bench.clustered(30, 100, by_annotator=True, uneven=1), 0.92, 0.98, id="uneven annotators"
        ),
        pytest.param(bench.by_prompt(300), 0.93, 0.98, id="three people a comparison"),
        pytest.param(bench.by_prompt(300, told=False), 0.0, 0.92, id="as if of different comparisons"),
        pytest.param(bench.with_judge(300, each=3), 0.93, 0.98, id="three people a comparison, and a judge"),
        pytest.param(bench.with_judge(300, each=3, told_apart=False), 0.0, 0.93, id="as if of others"),
        pytest.param(bench.new_model(3_000_000, 87, 20), 0.9, 1.0, id="a new model among millions"),
        pytest.param(bench.rank_ranges(1500, 10, joint=True), 0.95, 1.0, id="all ranks at once"),
    ],
)
def test_coverage(trial, low, high):
    assert low <= bench.measure("", trial, repeats=100, seed=1).covered <= high
