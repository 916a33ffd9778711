"""Small faults that can be put into a module: each one changes one place of its source."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARED = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_COMPUTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.LShift: ast.RShift, ast.Div: ast.Mult}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one fault: where, what, and the source that has it."""

    module: str
    line: int
    what: str
    source: str


def mutants_of(module: str, source: str) -> Iterator[Mutant]:
    """Every fault that is put into a module."""
    tree = _without_decorators(ast.parse(source))
    for number, node in enumerate(ast.walk(tree)):
        for what, change in _changes(node):
            faulty = copy.deepcopy(tree)
            target = next(one for place, one in enumerate(ast.walk(faulty)) if place == number)
            change(target)
            text = ast.unparse(ast.fix_missing_locations(faulty))
            yield Mutant(module, getattr(node, "lineno", 0), what, text)


def _without_decorators(tree: ast.Module) -> ast.Module:
    """The tree in which what stands above classes and functions is nobody's place: it changes no verdict."""
    for node in ast.walk(tree):
        for decorator in getattr(node, "decorator_list", ()):
            for part in ast.walk(decorator):
                part.kept = True  # type: ignore[attr-defined]
    return tree


def _changes(node):
    """What can go wrong at one place, and how it is put there."""
    if hasattr(node, "kept"):
        return
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARED:
        other = _COMPARED[type(node.ops[0])]
        yield (
            f"{type(node.ops[0]).__name__} becomes {other.__name__}",
            lambda at: at.ops.__setitem__(0, other()),
        )
    if isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} becomes {other.__name__}", lambda at: setattr(at, "op", other())
    if isinstance(node, ast.BinOp) and type(node.op) in _COMPUTED:
        other = _COMPUTED[type(node.op)]
        yield f"{type(node.op).__name__} becomes {other.__name__}", lambda at: setattr(at, "op", other())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield (
            "not is left out",
            lambda at: setattr(at, "operand", ast.UnaryOp(ast.Not(), at.operand)),
        )
    if isinstance(node, ast.IfExp | ast.If):
        yield "the condition is turned round", lambda at: setattr(at, "test", ast.UnaryOp(ast.Not(), at.test))
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield f"{node.value} becomes {node.value + 1}", lambda at: setattr(at, "value", at.value + 1)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} becomes {not node.value}", lambda at: setattr(at, "value", not at.value)
    if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield "nothing is returned", lambda at: setattr(at, "value", ast.Constant(None))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
