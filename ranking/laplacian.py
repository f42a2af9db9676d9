"""Laplacians of comparison graphs: the information that votes hold on ratings, solved and inverted."""

from __future__ import annotations

import numpy as np
import scipy

from ranking.arrays import Floats, Ints

# Residuals this small, in units of log-likelihood, are rounding.
_ROUNDING = 1e-26


def laplacian(weights: Floats) -> Floats:
    """Graph Laplacian of a symmetric (M, M) weight matrix."""
    matrix = -weights
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    return matrix


def pseudo_inverse(matrix: Floats) -> Floats:
    """Moore-Penrose inverse of a connected graph's Laplacian, by Cholesky.

    Raises numpy.linalg.LinAlgError when the graph is not connected.
    """
    M = len(matrix)
    # The constant vector spans the null space: lifting it by its mean eigenvalue makes the matrix regular.
    lift = np.trace(matrix) / M / M
    return np.asarray(inverse_of_positive(matrix + lift) - 1 / (lift * M * M))


def grouped_inverse(information: Floats, component: Ints) -> Floats:
    """Inverse of an information matrix (M + F, M + F) whose first M parameters are ratings.

    Ratings have mean zero in each component (-1: no votes), where a Laplacian by itself is singular. For a
    connected graph's Laplacian alone this is `pseudo_inverse`.
    """
    M = len(component)
    alone = np.where(component < 0, component.size + np.arange(M), component)
    same = (alone[:, None] == alone).astype(np.float64)
    share = same / same.sum(1)
    lift = np.trace(information[:M, :M]) / M if M else 0.0
    lifted = information.copy()
    lifted[:M, :M] += (lift if lift > 0 else 1.0) * share
    scale = np.sqrt(np.diagonal(lifted))
    # Covariates have units of their own: unscaled, a large one would drown the rest in rounding.
    inverse: Floats = inverse_of_positive(lifted / np.outer(scale, scale)) / np.outer(scale, scale)
    inverse[:M, :M] -= share / (lift if lift > 0 else 1.0)
    return inverse


def inverse_of_positive(matrix: Floats) -> Floats:
    """Inverse of a symmetric positive definite matrix; raises numpy.linalg.LinAlgError for any other."""
    # Turned, which changes nothing in it, it lies in memory as LAPACK wants it.
    factor, failed = scipy.linalg.lapack.dpotrf(matrix.T, lower=1, clean=1)
    if failed:
        raise np.linalg.LinAlgError("not positive definite: the comparison graph is not connected")
    lower, _ = scipy.linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    inverse = lower + lower.T
    np.fill_diagonal(inverse, np.diagonal(lower))
    return np.asarray(inverse)


def solve_laplacian(weights: Floats, target: Floats) -> Floats:
    """Solve laplacian(weights) x = target, which sums to 0, by Jacobi-preconditioned conjugate gradients."""
    degree = weights.sum(axis=1)
    x, residual = np.zeros_like(target), target
    scaled = residual / degree
    direction, norm = scaled, residual @ scaled
    # Early Newton rounds need only the direction; the last ones a solution.
    enough = norm * 1e-4 * min(1.0, norm)
    for _ in range(4 * len(target)):
        image = degree * direction - weights @ direction
        curvature = direction @ image
        if norm <= max(enough, _ROUNDING) or curvature <= 0:
            break
        length = norm / curvature
        x = x + length * direction
        residual = residual - length * image
        scaled = residual / degree
        previous, norm = norm, residual @ scaled
        direction = scaled + (norm / previous) * direction
    return np.asarray(x - x.mean())
