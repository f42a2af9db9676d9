"""Ratings against published tables, independent implementations and closed forms."""

import choix
import evalica
import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize

from benchmarks.ranking_votes import simulate
from ranking import WinMatrix, fit, intervals, to_elo

# American League East, 1987: row beat column (Agresti, "Categorical Data Analysis").
TEAMS = ["Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore"]
BASEBALL = np.array(
    [
        [0, 7, 9, 7, 7, 9, 11],
        [6, 0, 7, 5, 11, 9, 9],
        [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12],
        [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ],
    float,
)
# Citations among Biometrika, Comm. Statist., JASA and JRSS-B (Stigler, 1994, Statistical Science 9).
CITATIONS = np.array([[0, 730, 498, 221], [33, 0, 68, 17], [320, 813, 0, 142], [284, 276, 325, 0]], float)


def matrix_of(wins, ties=None):
    return WinMatrix.from_wins(wins, ties)


def gradient(scores, theta):
    expected = (scores + scores.T) / (1 + np.exp(theta - theta[:, None]))
    return scores.sum(axis=1) - expected.sum(axis=1)


def chain(n, wins, losses):
    matrix = np.zeros((n, n))
    i = np.arange(n - 1)
    matrix[i, i + 1], matrix[i + 1, i] = wins, losses
    return matrix


def test_baseball_as_published():
    # Turner & Firth, 2012, "Bradley-Terry Models in R: The BradleyTerry2 Package", J. Stat. Software 48.
    published = {
        "Boston": (1.1077, 0.3339),
        "Cleveland": (0.6839, 0.3319),
        "Detroit": (1.4364, 0.3396),
        "Milwaukee": (1.5814, 0.3433),
        "New York": (1.2476, 0.3359),
        "Toronto": (1.2945, 0.3367),
    }
    result = fit(matrix_of(BASEBALL), prior="none")
    found = intervals(result, kind="fisher", anchor=(TEAMS.index("Baltimore"), 1000.0))
    for team, (estimate, error) in published.items():
        assert found.theta[TEAMS.index(team)] == pytest.approx(estimate, abs=5e-5)
        assert found.se[TEAMS.index(team)] == pytest.approx(error, abs=5e-5)


def test_citations_as_published():
    result = fit(matrix_of(CITATIONS), prior="none")
    found = intervals(result, kind="fisher", anchor=(0, 1000.0))
    assert found.theta == pytest.approx([0, -2.94907, -0.47957, 0.26895], abs=5e-5)
    assert found.se == pytest.approx([0, 0.10255, 0.06059, 0.07083], abs=5e-5)


@pytest.mark.parametrize("n_models", [5, 60, 200])
def test_choix_evalica_and_we_agree(n_models):
    votes = simulate(400 * n_models, n_models, seed=n_models)
    ours = fit(votes.matrix(), prior="none").theta
    theirs = choix.ilsr_pairwise_dense(votes.matrix().half_wins(), tol=1e-13)
    assert to_elo(ours) == pytest.approx(to_elo(theirs), abs=1e-6)
    winners = np.array([evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw], object)
    third = evalica.bradley_terry(
        votes.a.tolist(),
        votes.b.tolist(),
        winners[votes.outcome].tolist(),
        tolerance=1e-14,
        limit=10_000,
    )
    scores = np.log(third.scores.sort_index().to_numpy())
    assert to_elo(ours) == pytest.approx(to_elo(scores - scores.mean()), abs=1e-6)


def test_logistic_regression_gives_the_same_ratings():
    votes = simulate(500, 6, seed=4, ties=0.0)
    design = np.zeros((500, 6))
    design[np.arange(500), votes.a] = 1
    design[np.arange(500), votes.b] = -1
    logit = sm.Logit((votes.outcome == 0).astype(float), design[:, 1:]).fit(disp=0)
    theta = np.append(0, logit.params)
    assert fit(votes.matrix(), prior="none").theta == pytest.approx(theta - theta.mean(), abs=1e-6)


@pytest.mark.parametrize("wins", [BASEBALL / 10, chain(5, 3, 0), [[0, 1, 0], [0, 0, 2], [1, 0, 0]]])
def test_firths_prior_is_the_maximum_of_the_penalised_likelihood(wins):
    wins = np.array(wins, float)
    votes = wins + wins.T

    def penalised(free):
        theta = np.append(0, free)
        p = 1 / (1 + np.exp(theta - theta[:, None]))
        information = np.diag((votes * p * (1 - p)).sum(axis=1)) - votes * p * (1 - p)
        return -np.sum(wins * np.log(p)) - 0.5 * np.linalg.slogdet(information[1:, 1:])[1]

    best = minimize(penalised, np.zeros(len(wins) - 1), method="BFGS", options={"gtol": 1e-8})
    theta = np.append(0, best.x)
    assert fit(matrix_of(wins)).theta == pytest.approx(theta - theta.mean(), abs=2e-5)


def test_davidson_is_the_maximum_of_its_likelihood():
    votes = simulate(800, 5, seed=5)
    matrix = votes.matrix()

    def loss(parameters):
        theta, nu = np.append(0, parameters[:-1]), np.exp(parameters[-1])
        d = (theta[:, None] - theta) / 2
        total = np.log(np.exp(d) + np.exp(-d) + nu)
        return -np.sum(matrix.wins * (d - total)) - np.sum(matrix.ties * (np.log(nu) - total)) / 2

    best = minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-7}).x
    theta = np.append(0, best[:-1])
    result = fit(matrix, ties="davidson", prior="none")
    assert result.theta == pytest.approx(theta - theta.mean(), abs=1e-5)
    assert result.tie_parameter == pytest.approx(np.exp(best[-1]), abs=1e-5)
    win, tie, loss_ = result.outcome_probabilities()
    assert win + tie + loss_ == pytest.approx(np.ones((5, 5)))
    # At the maximum, predicted and observed ties are as many.
    counts = matrix.wins + matrix.wins.T + matrix.ties
    assert np.sum(counts * tie) == pytest.approx(matrix.ties.sum())


def test_davidson_without_ties_is_bradley_terry_and_says_so():
    result = fit(matrix_of(BASEBALL), ties="davidson")
    assert (result.tie_parameter, [note.code for note in result.notes]) == (0.0, ["no_ties"])
    assert np.array_equal(result.theta, fit(matrix_of(BASEBALL)).theta)


@pytest.mark.parametrize("wins", [0, 4])
def test_davidson_without_a_loss_to_weigh_ties_against_is_not_identifiable(wins):
    # Only ties, or wins and ties but no loss: more of a difference and more ties are ever more likely.
    matrix = matrix_of([[0, wins], [0, 0]], [[0, 9], [9, 0]])
    result = fit(matrix, ties="davidson", prior="none")
    assert result.tie_parameter == np.inf
    assert np.isnan(result.theta).all()
    code = "not_identifiable" if wins else "ties_alone"
    assert {note.code: note.arguments for note in result.notes} == {code: {"models": [0, 1]}}
    # A prior makes up for losses; of how likely a tie is it knows nothing.
    found = fit(matrix, ties="davidson")
    assert np.isfinite(found.tie_parameter) == np.isfinite(found.theta).all() == (wins > 0)


def test_davidson_needs_only_a_circle_with_more_wins_than_ties():
    ties = np.zeros((3, 3))
    ties[0, 1] = ties[1, 0] = 1
    circle = fit(matrix_of([[0, 2, 0], [0, 0, 1], [1, 0, 0]], ties), ties="davidson", prior="none")
    assert np.isfinite(circle.theta).all()
    assert np.isfinite(circle.tie_parameter)


def test_a_60_chain_against_its_closed_form():
    step = np.diff(fit(matrix_of(chain(60, 9, 3)), prior="none").theta)
    assert step == pytest.approx(np.full(59, -np.log(3)), abs=1e-10)
    # A tree's pairs have leverage one each, so half a vote goes to either side.
    step = np.diff(fit(matrix_of(chain(60, 9, 0))).theta)
    assert step == pytest.approx(np.full(59, -np.log(9.5 / 0.5)), abs=1e-9)


@pytest.mark.parametrize("size", [10, 90])
def test_two_cliques_joined_by_four_votes_are_solved(size):
    rng = np.random.default_rng(0)
    wins = np.zeros((2 * size, 2 * size))
    for block in (slice(0, size), slice(size, None)):
        wins[block, block] = rng.integers(1, 200, (size, size))
    np.fill_diagonal(wins, 0)
    wins[0, size], wins[size, 0] = 3, 1
    theta = fit(matrix_of(wins), prior="none").theta
    assert np.abs(gradient(wins, theta)).max() < 1e-8
    assert theta[0] - theta[size] == pytest.approx(np.log(3), abs=1e-8)


def test_twelve_logits_apart_do_not_overflow():
    votes = 1e9
    p = 1 / (1 + np.exp(-12.0))
    result = fit(matrix_of([[0, votes * p], [votes * (1 - p), 0]]), prior="none")
    assert result.theta[0] - result.theta[1] == pytest.approx(12, abs=1e-6)
    steps = np.diff(fit(matrix_of(chain(70, votes * p, votes * (1 - p))), prior="none").theta)
    assert steps == pytest.approx(np.full(69, -12.0), abs=1e-5)


def test_a_new_model_with_87_of_3e6_votes():
    rng = np.random.default_rng(1)
    wins = rng.integers(1500, 1900, (42, 42)).astype(float)
    wins[-1], wins[:, -1] = 0, 0
    wins[-1, :29], wins[:29, -1] = 2, 1
    np.fill_diagonal(wins, 0)
    result = fit(matrix_of(wins), prior="none")
    assert np.abs(gradient(wins, result.theta)).max() < 1e-8
    # 58 of 87 against a field of near equals: close to the logit of two thirds.
    assert result.theta[-1] - result.theta[:-1].mean() == pytest.approx(np.log(2), abs=0.05)


def test_a_single_vote():
    one = matrix_of([[0, 1], [0, 0]])
    assert np.diff(fit(one).theta) == pytest.approx([-np.log(3)])
    plain = fit(one, prior="none")
    assert plain.theta.tolist() == [np.inf, -np.inf]
    assert {note.code for note in plain.notes} == {"undefeated", "winless", "not_identifiable"}


def test_no_votes_are_no_data_and_not_1000():
    result = fit(matrix_of(np.zeros((3, 3))))
    assert np.isnan(result.ratings()).all()
    assert [(note.code, note.arguments) for note in result.notes] == [("no_votes", {"models": [0, 1, 2]})]
    assert len(fit(matrix_of(np.zeros((0, 0)))).theta) == 0


def test_only_both_bad_votes_are_no_data():
    result = fit(WinMatrix.from_wins(np.zeros((2, 2)), both_bad=[[0, 5], [5, 0]]))
    assert np.isnan(result.theta).all()
    assert fit(result.matrix, both_bad="tie").theta == pytest.approx([0, 0])


def test_an_unvoted_model_leaves_the_others_as_they_are():
    padded = np.zeros((8, 8))
    padded[:7, :7] = BASEBALL
    result = fit(matrix_of(padded))
    assert result.theta[:7] == pytest.approx(fit(matrix_of(BASEBALL)).theta)
    assert np.isnan(result.theta[7])


@pytest.mark.parametrize("prior", ["firth", "none"])
def test_disconnected_groups_are_fitted_apart_and_never_compared(prior):
    wins = np.zeros((11, 11))
    wins[:7, :7], wins[7:, 7:] = BASEBALL, CITATIONS
    result = fit(matrix_of(wins), prior=prior)
    assert result.component.tolist() == [0] * 7 + [1] * 4
    assert result.theta[:7] == pytest.approx(fit(matrix_of(BASEBALL), prior=prior).theta)
    assert result.theta[7:] == pytest.approx(fit(matrix_of(CITATIONS), prior=prior).theta)
    assert np.isnan(result.win_probability()[0, 8])
    assert [note.code for note in result.notes] == ["disconnected"]
    anchored = result.ratings(anchor=(8, 1500.0))
    assert anchored[8] == pytest.approx(1500)
    assert anchored[:7].mean() == pytest.approx(1000)


def test_an_undefeated_model_without_a_prior_is_infinite_and_leaves_the_rest_alone():
    wins = np.zeros((8, 8))
    wins[:7, :7] = BASEBALL
    wins[7, :3] = 2
    result = fit(matrix_of(wins), prior="none")
    assert result.theta[7] == np.inf
    assert result.theta[:7] == pytest.approx(fit(matrix_of(BASEBALL), prior="none").theta)
    assert result.win_probability()[7, :7].tolist() == [1] * 7
    codes = {note.code: note.arguments for note in result.notes}
    assert codes == {"undefeated": {"models": [7]}, "not_identifiable": {"models": [7]}}
    assert np.isfinite(fit(matrix_of(wins)).theta).all()


@pytest.mark.parametrize("prior", ["firth", "none"])
@pytest.mark.parametrize("n_models", [40, 160])
def test_a_warm_start_changes_nothing(prior, n_models):
    matrix = simulate(4000, n_models, seed=6).matrix()
    cold = fit(matrix, prior=prior)
    near = np.where(np.isfinite(cold.theta), cold.theta + 0.1, np.nan)
    for start in (near, np.zeros(n_models), np.linspace(-3, 3, n_models)):
        assert fit(matrix, prior=prior, start=start).theta == pytest.approx(cold.theta, abs=1e-9, nan_ok=True)


def test_a_start_for_other_models_is_refused():
    with pytest.raises(ValueError, match="start: expected 7 logits"):
        fit(matrix_of(BASEBALL), start=np.zeros(6))


def test_ten_times_the_votes_give_the_same_ratings():
    plain, tenfold = (fit(matrix_of(k * BASEBALL), prior="none").theta for k in (1, 10))
    assert tenfold == pytest.approx(plain, abs=1e-10)


def test_an_anchor_only_shifts():
    result = fit(matrix_of(BASEBALL))
    free, pinned = result.ratings(), result.ratings(anchor=(2, 1200.0))
    assert free.mean() == pytest.approx(1000)
    assert pinned[2] == pytest.approx(1200)
    assert pinned - free == pytest.approx(np.full(7, pinned[0] - free[0]))


@pytest.mark.parametrize("model", [7, -1])
def test_an_anchor_that_is_not_rated_is_refused(model):
    with pytest.raises(ValueError, match=f"anchor: model {model} has no finite rating"):
        fit(matrix_of(BASEBALL)).ratings(anchor=(model, 1000.0))


def test_an_anchor_without_a_rating_is_refused():
    with pytest.raises(ValueError, match="anchor: nan is no rating"):
        fit(matrix_of(BASEBALL)).ratings(anchor=(2, float("nan")))


def test_400_elo_points_are_ten_to_one():
    result = fit(matrix_of([[0, 100], [10, 0]]), prior="none")
    assert -np.diff(result.ratings()) == pytest.approx([400])


def test_firth_moves_ratings_little_where_votes_are_many():
    votes = simulate(10_000, 20, seed=7)
    plain, prior = (fit(votes.matrix(), prior=p) for p in ("none", "firth"))
    assert np.abs((plain.theta - prior.theta) / intervals(plain).se).max() < 0.14


def test_a_slice_with_everything_in_it_is_the_whole():
    votes = simulate(2000, 8, seed=8)
    everything = np.ones(2000, bool)
    columns = (column[everything] for column in (votes.a, votes.b, votes.outcome))
    assert np.array_equal(fit(WinMatrix.from_votes(*columns, 8)).theta, fit(votes.matrix()).theta)
