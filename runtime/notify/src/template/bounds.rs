//! What a template cannot have, so that it is bounded in memory.
//!
//! The fuel of minijinja pays for each byte of a text and each place of a list that a template makes. It does not pay for a
//! list that holds the same list twice, and again twice: written out, that doubles with each step. The same holds for a list
//! that is added to itself, and for `map` with a default that is put into each place. So a template can only write lists of
//! constants, adds only numbers, multiplies nothing, gives only constants to `map` and `sum`, and has no function that puts
//! values into new lists.

use minijinja::Environment;
use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, Stmt};
use minijinja::machinery::parse;
use minijinja::syntax::SyntaxConfig;

/// Filters that put values together.
const FILTERS: [&str; 6] = ["batch", "chain", "groupby", "pprint", "slice", "zip"];
/// Functions that put values together, or show the inside of the program.
const FUNCTIONS: [&str; 3] = ["debug", "dict", "namespace"];

/// Takes away what could make a value that doubles.
pub(super) fn restrict(environment: &mut Environment<'_>) {
    FILTERS.iter().for_each(|name| environment.remove_filter(name));
    FUNCTIONS.iter().for_each(|name| environment.remove_global(name));
}

const LIST: &str = "a list or a map in brackets can only hold constants: write the values one after the other";
const ADD: &str =
    "`+` can only add a number, such as in `loop.index + 1`: write texts one after the other, or join them with `~`";
const MULTIPLY: &str = "`*` and `**` are not available";
const MAP: &str = "`map` and `sum` can only have constants as arguments";

/// What is refused, and its line.
type Refused = (&'static str, u16);

/// What is refused, with its line; `None` if the text is not a template: then compiling it says why.
pub(super) fn refused(source: &str) -> Option<String> {
    let parsed = parse(source, "", SyntaxConfig::default()).ok()?;
    let (why, line) = statement(&parsed)?;
    Some(format!("{why} (line {line})"))
}

/// What is refused first in these statements.
fn all(statements: &[Stmt<'_>]) -> Option<Refused> {
    statements.iter().find_map(statement)
}

fn statement(statement: &Stmt<'_>) -> Option<Refused> {
    match statement {
        Stmt::Template(one) => all(&one.children),
        Stmt::EmitExpr(one) => expression(&one.expr),
        Stmt::EmitRaw(_) => None,
        Stmt::ForLoop(one) => expression(&one.iter)
            .or_else(|| one.filter_expr.as_ref().and_then(expression))
            .or_else(|| all(&one.body))
            .or_else(|| all(&one.else_body)),
        Stmt::IfCond(one) => expression(&one.expr).or_else(|| all(&one.true_body)).or_else(|| all(&one.false_body)),
        Stmt::WithBlock(one) => {
            one.assignments.iter().find_map(|(_, value)| expression(value)).or_else(|| all(&one.body))
        }
        Stmt::Set(one) => expression(&one.expr),
        Stmt::SetBlock(one) => one.filter.as_ref().and_then(expression).or_else(|| all(&one.body)),
        Stmt::AutoEscape(one) => expression(&one.enabled).or_else(|| all(&one.body)),
        Stmt::FilterBlock(one) => expression(&one.filter).or_else(|| all(&one.body)),
        Stmt::Do(one) => expression(&one.call.expr).or_else(|| arguments(&one.call.args)),
    }
}

fn expression(value: &Expr<'_>) -> Option<Refused> {
    let optional = |value: &Option<Expr<'_>>| value.as_ref().and_then(expression);
    match value {
        Expr::Var(_) | Expr::Const(_) => None,
        Expr::List(_) | Expr::Tuple(_) | Expr::Map(_) => {
            value.as_const().is_none().then(|| (LIST, value.span().start_line))
        }
        Expr::Slice(one) => expression(&one.expr)
            .or_else(|| optional(&one.start))
            .or_else(|| optional(&one.stop))
            .or_else(|| optional(&one.step)),
        Expr::UnaryOp(one) => expression(&one.expr),
        Expr::BinOp(one) => {
            let line = value.span().start_line;
            let is_number = |side: &Expr<'_>| side.as_const().is_some_and(|constant| constant.is_number());
            match one.op {
                BinOpKind::Add if !is_number(&one.left) && !is_number(&one.right) => Some((ADD, line)),
                BinOpKind::Mul | BinOpKind::Pow => Some((MULTIPLY, line)),
                _ => expression(&one.left).or_else(|| expression(&one.right)),
            }
        }
        Expr::Compare(one) => {
            expression(&one.expr).or_else(|| one.ops.iter().find_map(|other| expression(&other.expr)))
        }
        Expr::IfExpr(one) => {
            expression(&one.test_expr).or_else(|| expression(&one.true_expr)).or_else(|| optional(&one.false_expr))
        }
        // `map(attribute='x', default=a)` puts `a` into each place, and `sum(start=a)` adds to it.
        Expr::Filter(one) if matches!(one.name, "map" | "sum") && !one.args.iter().all(is_constant) => {
            Some((MAP, value.span().start_line))
        }
        Expr::Filter(one) => optional(&one.expr).or_else(|| arguments(&one.args)),
        Expr::Test(one) => expression(&one.expr).or_else(|| arguments(&one.args)),
        Expr::GetAttr(one) => expression(&one.expr),
        Expr::GetItem(one) => expression(&one.expr).or_else(|| expression(&one.subscript_expr)),
        Expr::Call(one) => expression(&one.expr).or_else(|| arguments(&one.args)),
    }
}

fn is_constant(argument: &CallArg<'_>) -> bool {
    match argument {
        CallArg::Pos(value) | CallArg::Kwarg(_, value) => value.as_const().is_some(),
        CallArg::PosSplat(_) | CallArg::KwargSplat(_) => false,
    }
}

fn arguments(arguments: &[CallArg<'_>]) -> Option<Refused> {
    arguments.iter().find_map(|argument| match argument {
        CallArg::Pos(value) | CallArg::Kwarg(_, value) | CallArg::PosSplat(value) | CallArg::KwargSplat(value) => {
            expression(value)
        }
    })
}
