"""Published tables, independent libraries, and data that cannot answer."""

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

from ranking import agreement
from ranking.units import FEWEST_UNITS

COEFFICIENTS = [
    agreement.raw_agreement,
    agreement.krippendorff_alpha,
    agreement.fleiss_kappa,
    agreement.gwet_ac1,
]

# Krippendorff's example: four observers, twelve units, "." where one did not see the unit.
KRIPPENDORFF = np.array(
    [
        [-1 if c == "." else int(c) for c in row]
        for row in ("123321412...", "1233224125.3", ".3332342251.", "1233244125 1.".replace(" ", ""))
    ]
)

# Fleiss (1971), table 1: thirty patients, six psychiatrists, five diagnoses; how many chose each.
FLEISS_1971 = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006
10050 11040 03300 10050 02031 00501 30012 51000 02040 10203
00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""


def raters_of(table):
    """Ratings (raters, units) that produce a table of counts per unit."""
    return np.array([np.repeat(np.arange(len(row)), row) for row in table]).T


def fleiss_1971():
    return raters_of([[int(c) for c in row] for row in FLEISS_1971.split()])


def two_raters(table):
    """The two rows of ratings behind a contingency table."""
    i, j = np.indices(np.shape(table))
    n = np.ravel(table)
    return np.repeat(i.ravel(), n), np.repeat(j.ravel(), n)


def random_ratings(seed, raters=5, units=40, categories=4, missing=0.3):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, categories, units)
    guess = rng.integers(0, categories, (raters, units))
    ratings = np.where(rng.random((raters, units)) < 0.6, truth, guess)
    return np.where(rng.random((raters, units)) < missing, -1, ratings)


def codes(found):
    return [note.code for note in found.notes]


class TestPublished:
    def test_krippendorffs_canonical_example(self):
        assert agreement.krippendorff_alpha(KRIPPENDORFF).value == pytest.approx(0.743, abs=5e-4)
        ordinal = agreement.krippendorff_alpha(KRIPPENDORFF, metric="ordinal")
        assert ordinal.value == pytest.approx(0.815, abs=5e-4)
        assert (ordinal.annotators, ordinal.units) == (4, 11)

    def test_gwets_figures_for_the_same_ratings(self):
        assert agreement.gwet_ac1(KRIPPENDORFF).value == pytest.approx(0.77544, abs=1e-5)
        assert agreement.fleiss_kappa(KRIPPENDORFF).value == pytest.approx(0.76117, abs=1e-5)
        assert agreement.raw_agreement(KRIPPENDORFF).value == pytest.approx(0.81818, abs=1e-5)

    def test_fleiss_psychiatrists(self):
        assert np.bincount(fleiss_1971().ravel()).tolist() == [26, 26, 30, 55, 43]
        kappa = agreement.fleiss_kappa(fleiss_1971())
        assert kappa.value == pytest.approx(0.430, abs=5e-4)
        assert 1 - kappa.observed == pytest.approx(0.556, abs=5e-4)

    def test_gwets_table_where_kappa_fails(self):
        ratings = np.stack(two_raters([[118, 5], [2, 0]]))
        assert agreement.cohen_kappa(*ratings).value == pytest.approx(-0.0234, abs=5e-5)
        assert agreement.gwet_ac1(ratings).value == pytest.approx(0.9408, abs=5e-5)

    @pytest.mark.parametrize(
        ("ratings", "value", "lower", "upper"),
        [
            (fleiss_1971(), 0.44788, 0.33404, 0.56173),
            (random_ratings(0), 0.41057, 0.25603, 0.56510),
            (random_ratings(1, raters=3, units=100), 0.33088, 0.19510, 0.46666),
            (random_ratings(3, raters=6, units=60), 0.46299, 0.34242, 0.58355),
        ],
    )
    def test_an_interval_of_ac1_is_that_of_gwets_variance(self, ratings, value, lower, upper):
        """The figures of irrCAC 0.4.4, by the variance of Gwet (2008), with Student's t."""
        found = agreement.gwet_ac1(ratings)
        assert found.value == pytest.approx(value, abs=1e-5)
        assert found.upper - found.lower == pytest.approx(upper - lower, rel=0.08)
        assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=0.013)

    def test_cohens_kappa_of_a_textbook_table(self):
        assert agreement.cohen_kappa(*two_raters([[20, 5], [10, 15]])).value == pytest.approx(0.4)


class TestSides:
    def test_chance_is_that_of_every_comparison_written_down_both_ways(self):
        """The long way round: alpha and Fleiss' kappa of the ratings and, beside them, the same turned."""
        ratings = random_ratings(6, missing=0, categories=3)
        both_ways = np.hstack([ratings, np.array([1, 0, 2])[ratings]])
        found = agreement.fleiss_kappa(ratings, sides=(0, 1))
        assert found.value == pytest.approx(agreement.fleiss_kappa(both_ways).value)
        assert found.units == ratings.shape[1], "a comparison stays one, however it is written down"
        alpha, double = (
            agreement.krippendorff_alpha(ratings, sides=(0, 1)),
            agreement.krippendorff_alpha(both_ways),
        )
        n = ratings.size
        # Krippendorff draws without replacement from n ratings, and there are n and not 2n of them.
        assert alpha.expected * (n - 1) / n == pytest.approx(double.expected * (2 * n - 1) / (2 * n))
        assert alpha.observed == pytest.approx(double.observed)

    def test_all_for_what_happens_to_be_called_a_agree(self):
        for coefficient in COEFFICIENTS:
            assert coefficient(np.zeros((2, 30), int), sides=(0, 1)).value == 1
        assert codes(agreement.gwet_ac1(np.full((2, 30), 2), sides=(0, 1))) == ["one_category"]


class TestAgainstLibraries:
    @pytest.mark.parametrize("metric", ["nominal", "ordinal"])
    @pytest.mark.parametrize("seed", range(5))
    def test_alpha(self, metric, seed):
        ratings = random_ratings(seed)
        expected = krippendorff.alpha(np.where(ratings < 0, np.nan, ratings), level_of_measurement=metric)
        assert agreement.krippendorff_alpha(ratings, metric=metric).value == pytest.approx(expected)

    @pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
    def test_cohen(self, weights):
        first, second = random_ratings(3, raters=2, missing=0)
        oracle = cohen_kappa_score(first, second, weights=None if weights == "none" else weights)
        assert agreement.cohen_kappa(first, second, weights=weights).value == pytest.approx(oracle)

    def test_fleiss(self):
        ratings = random_ratings(4, missing=0)
        table = np.stack([(ratings == k).sum(0) for k in range(4)], axis=1)
        assert agreement.fleiss_kappa(ratings).value == pytest.approx(statsmodels_fleiss(table))

    def test_pairwise_kappa_is_cohens_for_every_two(self):
        ratings = random_ratings(5)
        every = agreement.pairwise_kappa(ratings)
        for i, j in [(0, 1), (3, 2)]:
            both = (ratings[i] >= 0) & (ratings[j] >= 0)
            assert every.units[i, j] == both.sum()
            oracle = cohen_kappa_score(ratings[i, both], ratings[j, both])
            assert every.kappa[i, j] == pytest.approx(oracle)


class TestIntervals:
    @pytest.mark.parametrize("coefficient", COEFFICIENTS)
    def test_covers_the_long_run_value_about_as_often_as_it_says(self, coefficient):
        truth = coefficient(random_ratings(99, units=40_000), draws=1).value
        covered = 0
        for seed in range(100):
            found = coefficient(random_ratings(seed, units=80), draws=300)
            covered += found.lower <= truth <= found.upper
        assert 91 <= covered <= 99

    @pytest.mark.parametrize("coefficient", COEFFICIENTS)
    def test_shrinks_with_the_root_of_the_units_and_keeps_its_seed(self, coefficient):
        ratings = random_ratings(1)
        one, four = coefficient(ratings), coefficient(np.tile(ratings, 4))
        assert (one.upper - one.lower) / (four.upper - four.lower) == pytest.approx(2, rel=0.15)
        assert coefficient(ratings) == one
        assert coefficient(ratings, seed=1).lower != one.lower

    def test_many_distinct_units_are_resampled_in_groups(self):
        rng = np.random.default_rng(0)
        ratings = np.where(
            rng.random((30, 3000)) < 0.5, rng.integers(0, 5, 3000), rng.integers(0, 5, (30, 3000))
        )
        found = agreement.krippendorff_alpha(ratings, draws=400)
        halves = [agreement.krippendorff_alpha(ratings[:, s::10], draws=400) for s in range(10)]
        expected = np.mean([h.upper - h.lower for h in halves]) / np.sqrt(10)
        assert found.upper - found.lower == pytest.approx(expected, rel=0.2)

    def test_unanimity_is_not_certainty(self):
        ratings = np.tile(np.arange(30) % 2, (2, 1))
        for coefficient in COEFFICIENTS:
            found = coefficient(ratings)
            assert found.value == 1
            assert found.upper == 1
        few, many = (agreement.raw_agreement(np.tile([0, 1], (2, n))) for n in (5, 500))
        # Wilson's of all in n is n / (n + z²).
        assert few.lower == pytest.approx(10 / (10 + 1.95996**2), abs=1e-5)
        assert few.lower < many.lower < 1
        assert agreement.raw_agreement(np.tile([0, 1], (2, 2))).lower == pytest.approx(0.51, abs=5e-3)


class TestUndefined:
    @pytest.mark.parametrize(
        "coefficient", [agreement.krippendorff_alpha, agreement.fleiss_kappa, agreement.gwet_ac1]
    )
    def test_one_category(self, coefficient):
        found = coefficient(np.zeros((3, 10), int))
        assert found.value is None
        assert found.lower is None
        assert codes(found) == ["one_category"]

    def test_one_category_of_several_offered_is_full_agreement_for_ac1_only(self):
        found = agreement.gwet_ac1(np.zeros((3, 30), int), categories=3)
        assert found.value == 1
        assert 0.6 < found.lower < 1

    @pytest.mark.parametrize("coefficient", COEFFICIENTS)
    @pytest.mark.parametrize(
        ("ratings", "why"),
        [
            (np.empty((0, 0), int), "few_annotators"),
            (np.full((3, 4), -1), "few_annotators"),
            ([[0, 1, 0]], "few_annotators"),
            ([[0, 1, -1, -1], [-1, -1, 1, 0]], "no_overlap"),
        ],
    )
    def test_nothing_to_compare(self, coefficient, ratings, why):
        found = coefficient(ratings)
        assert (found.value, found.lower, found.upper) == (None, None, None)
        assert codes(found) == [why]

    def test_cohen_without_overlap_or_variation(self):
        assert codes(agreement.cohen_kappa([0, -1], [-1, 1])) == ["no_overlap"]
        assert codes(agreement.cohen_kappa([1, 1], [1, 1])) == ["one_category"]
        assert np.isnan(agreement.pairwise_kappa([[1, 1], [1, 1]]).kappa).all()

    def test_one_unit_has_no_interval(self):
        found = agreement.krippendorff_alpha([[0], [1]])
        assert found.value == 0
        assert found.lower is None
        assert codes(found) == ["one_unit"]

    def test_units_that_all_disagree_show_no_variation_to_judge_by(self):
        apart = np.tile([[0], [1]], (1, 20))
        assert codes(agreement.krippendorff_alpha(apart)) == ["little_variation"]
        found = agreement.raw_agreement(apart)
        assert (found.value, found.lower, found.notes) == (0, 0, ())
        assert found.upper == pytest.approx(0.1611, abs=1e-4), "Wilson's, of none in twenty"

    @pytest.mark.parametrize("coefficient", [agreement.krippendorff_alpha, agreement.gwet_ac1])
    def test_few_units_have_no_interval_but_raw_agreement(self, coefficient):
        ratings = random_ratings(3, raters=2, missing=0, units=FEWEST_UNITS)
        few = ratings[:, 1:]
        unanimous = np.tile(few[:1], (2, 1))
        assert coefficient(unanimous).value == 1
        for found in (coefficient(few), coefficient(unanimous)):
            assert codes(found) == ["few_units"]
            assert (found.lower, found.upper) == (None, None)
        assert coefficient(ratings).lower is not None
        raw = agreement.raw_agreement(few)
        assert 0 <= raw.lower < raw.value < raw.upper <= 1

    @pytest.mark.parametrize("bad", [[0, 1, 2], [[0.5, 1]], [[-2, 0]], [["a", "b"]], [[np.inf, 0]]])
    def test_refuses_what_is_no_rating(self, bad):
        with pytest.raises(ValueError, match=r"ratings|codes"):
            agreement.krippendorff_alpha(bad)

    def test_refuses_an_impossible_level_and_scale(self):
        with pytest.raises(ValueError, match="level"):
            agreement.raw_agreement(KRIPPENDORFF, level=95)
        with pytest.raises(ValueError, match="5 categories"):
            agreement.gwet_ac1(KRIPPENDORFF, categories=2)


RATINGS = arrays(np.int64, st.tuples(st.integers(2, 5), st.integers(1, 12)), elements=st.integers(-1, 3))


class TestProperties:
    @settings(max_examples=60, deadline=None)
    @given(RATINGS, st.randoms(use_true_random=False))
    def test_names_and_order_of_categories_raters_and_units_do_not_matter(self, ratings, random):
        relabel = np.array([*random.sample(range(4), 4), -1])
        shuffled = relabel[ratings][random.sample(range(len(ratings)), len(ratings))]
        shuffled = shuffled[:, random.sample(range(ratings.shape[1]), ratings.shape[1])]
        for coefficient in COEFFICIENTS:
            before, after = coefficient(ratings, draws=2), coefficient(shuffled, draws=2)
            assert (before.value is None) == (after.value is None)
            assert before.value is None or before.value == pytest.approx(after.value)

    @settings(max_examples=60, deadline=None)
    @given(RATINGS)
    def test_every_answer_is_a_number_in_its_interval_or_a_reason(self, ratings):
        for coefficient in COEFFICIENTS:
            found = coefficient(ratings, draws=50)
            assert found.notes or found.lower <= found.upper
            assert found.value is None or np.isfinite(found.value)
            assert found.value is None or found.value <= 1

    @settings(max_examples=40, deadline=None)
    @given(RATINGS, st.data())
    def test_it_does_not_matter_which_side_of_a_unit_is_called_a(self, ratings, data):
        units = ratings.shape[1]
        ratings = np.tile(ratings, (1, 1 + FEWEST_UNITS // units))
        turned = data.draw(arrays(bool, ratings.shape[1]))
        other = np.where(turned & (ratings >= 0), np.array([1, 0, 2, 3, -1])[ratings], ratings)
        for coefficient in COEFFICIENTS:
            assert coefficient(other, sides=(0, 1), draws=20) == coefficient(ratings, sides=(0, 1), draws=20)
        # a, tie, b on a scale: the ends change places.
        before, after = (
            agreement.krippendorff_alpha(
                agreement.preference_scale(one), metric="ordinal", sides=(0, 2), draws=20
            )
            for one in (ratings, other)
        )
        assert before == after

    @settings(max_examples=40, deadline=None)
    @given(RATINGS)
    def test_nan_is_missing_and_unused_codes_change_nothing(self, ratings):
        with_nan = np.where(ratings < 0, np.nan, ratings * 3.0)
        for coefficient in COEFFICIENTS:
            assert coefficient(with_nan, draws=2).value == coefficient(ratings, draws=2).value


class TestMatrix:
    def test_votes_become_a_matrix(self):
        matrix = agreement.reliability_matrix([0, 1, 1], [0, 0, 2], [3, 1, 0])
        assert matrix.tolist() == [[3, -1, -1], [1, -1, 0]]
        assert agreement.reliability_matrix([], [], []).shape == (0, 0)

    def test_a_unit_rated_twice_by_one_annotator_is_refused(self):
        with pytest.raises(ValueError, match="twice"):
            agreement.reliability_matrix([0, 0], [1, 1], [0, 2])

    def test_outcomes_as_a_scale(self):
        assert agreement.preference_scale([[0, 1, 2, 3, -1]]).tolist() == [[0, 2, 1, -1, -1]]
        assert agreement.preference_scale([3], both_bad="tie").tolist() == [1]
        with pytest.raises(ValueError, match="outcome codes"):
            agreement.preference_scale([4])

    def test_refuses_an_unknown_metric_or_weighting(self):
        with pytest.raises(ValueError, match="interval"):
            agreement.krippendorff_alpha(KRIPPENDORFF, metric="interval")
        with pytest.raises(ValueError, match="cubic"):
            agreement.cohen_kappa([0, 1], [1, 0], weights="cubic")

    def test_agreement_of_each_unit(self):
        shares = agreement.unit_agreement([[0, 0, 1], [0, 1, -1], [0, 1, -1]])
        np.testing.assert_allclose(shares, [1, 1 / 3, np.nan])

    def test_annotators_who_agree_under_shuffled_sides_agree_fully(self):
        """Judgments are stored by response, so what stood left or right cannot lower the agreement."""
        shown_left = np.random.default_rng(0).random((2, 30)) < 0.5
        best = np.arange(30) % 2
        clicked_left = (best == 0) == shown_left
        stored = np.where(clicked_left == shown_left, 0, 1)
        assert agreement.krippendorff_alpha(stored).value == 1
