//! From text to the crate's tree, and from a node of that tree back to its place in the text.

use crate::{
    Fault,
    scan::{Token, sentence},
};
use cel::{
    IdedExpr,
    common::ast::{CallExpr, Expr as Ast, SourceInfo},
    parser::{ParseErrors, PrattParser, pratt_parser::TokenKind},
};
use std::{ops::Range, sync::Arc};

/// What is wrong with a node, before anybody has looked where the node stands.
pub(crate) struct Flaw<'a> {
    pub node: &'a IdedExpr,
    pub spot: Spot,
    pub code: &'static str,
    pub hint: String,
}

/// Which part of a node a flaw points at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spot {
    Whole,
    /// Its operator, its function's name, or the name behind its last dot.
    Name,
}

/// Parses a scanned text.
pub(crate) fn parse(text: &str, tokens: &[Token]) -> Result<IdedExpr, Fault> {
    PrattParser::new().parse(text).map_err(|errors| syntax(text, tokens, &errors))
}

fn syntax(text: &str, tokens: &[Token], errors: &ParseErrors) -> Fault {
    let Some(first) = errors.errors.first() else { return Fault::new(0..text.len(), "syntax", "This is not an expression.") };
    let range = first.source_info.as_ref().and_then(|info| info.offset_for(first.expr_id)).map(|(a, b)| a as usize..b as usize);
    let at = range.or_else(|| tokens.first().map(|t| t.at.clone())).unwrap_or(0..text.len());
    let token = tokens.iter().find(|t| t.at == at).map(|t| t.kind);
    let hint = match token {
        _ if at.start >= text.len() || first.msg.contains("<EOF>' expecting expression") => "The expression ends too early.".to_owned(),
        Some(TokenKind::TokReservedWord) => format!("The word {} is reserved.", text.get(at.clone()).unwrap_or_default()),
        Some(_) if first.msg.contains("expecting <EOF>") => {
            format!(
                "Before `{}` an operator is missing, such as && or ==, or a bracket is closed too often.",
                text.get(at.clone()).unwrap_or_default()
            )
        }
        Some(_) | None => sentence(&first.msg),
    };
    Fault::new(at, "syntax", hint)
}

impl Flaw<'_> {
    /// Looks the node up in the text.
    pub fn locate(self, text: &str, tokens: &[Token]) -> Fault {
        let at = Source::read(text, tokens).and_then(|source| source.range(self.node, self.spot)).unwrap_or(0..text.len());
        Fault::new(at, self.code, self.hint)
    }
}

/// Where each node came from. Only made when something is wrong: the crate's parser keeps positions for its errors alone.
struct Source<'a> {
    tokens: &'a [Token],
    info: Arc<SourceInfo>,
}

impl Source<'_> {
    /// Parses once more with an error behind the end, which hands out the positions. The ids come out the same: the parser numbers
    /// nodes in the order of their tokens.
    fn read<'a>(text: &str, tokens: &'a [Token]) -> Option<Source<'a>> {
        let errors = PrattParser::new().parse(&format!("{text}\n)")).err()?;
        let info = errors.errors.into_iter().find_map(|e| e.source_info)?;
        Some(Source { tokens, info })
    }
    fn range(&self, node: &IdedExpr, spot: Spot) -> Option<Range<usize>> {
        let (first, last) = match spot {
            Spot::Whole => self.whole(node)?,
            Spot::Name => self.name(node)?,
        };
        Some(self.tokens.get(first)?.at.start..self.tokens.get(last)?.at.end)
    }
    /// The token at which the node was made.
    fn own(&self, node: &IdedExpr) -> Option<usize> {
        let (start, _) = self.info.offset_for(node.id)?;
        self.tokens.iter().position(|t| t.at.start == start as usize)
    }
    /// First and last token.
    fn whole(&self, node: &IdedExpr) -> Option<(usize, usize)> {
        match &node.expr {
            Ast::Select(select) => Some((self.whole(&select.operand)?.0, self.name(node)?.1)),
            Ast::Call(call) => self.call(node, call),
            Ast::List(_) => self.own(node).map(|own| (own, self.closing(own))),
            Ast::Ident(_) | Ast::Literal(_) => {
                let own = self.own(node)?;
                let signed = matches!(self.tokens.get(own)?.kind, TokenKind::TokMinus | TokenKind::TokDot);
                Some((own, own + usize::from(signed)))
            }
            Ast::Unspecified | Ast::Comprehension(_) | Ast::Map(_) | Ast::Struct(_) => self.own(node).map(|own| (own, own)),
        }
    }
    fn call(&self, node: &IdedExpr, call: &CallExpr) -> Option<(usize, usize)> {
        let own = self.own(node)?;
        match (&call.target, call.args.as_slice()) {
            (Some(target), _) => Some((self.whole(target)?.0, self.closing(own))),
            (None, [left, right]) if is_operator(call) => Some((self.whole(left)?.0, self.whole(right)?.1)),
            (None, [only]) if is_operator(call) => Some((own, self.whole(only)?.1)),
            (None, _) => Some((own, self.closing(own + 1))),
        }
    }
    fn name(&self, node: &IdedExpr) -> Option<(usize, usize)> {
        let name = match &node.expr {
            // has(record.x) makes a node without a place of its own; the dot is the next one behind its operand.
            Ast::Select(select) if select.test => {
                let operand = self.whole(&select.operand)?.1;
                operand + 2 + self.tokens.iter().skip(operand + 1).take_while(|t| t.kind == TokenKind::TokRightParen).count()
            }
            Ast::Select(_) => self.own(node)? + 1,
            Ast::Call(call) if call.target.is_some() => self.own(node)?.checked_sub(1)?,
            Ast::Call(_) => self.own(node)?,
            _ => return self.whole(node),
        };
        Some((name, name))
    }
    /// The bracket that closes the one at `open`.
    fn closing(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (i, token) in self.tokens.iter().enumerate().skip(open) {
            match token.kind {
                TokenKind::TokLeftParen | TokenKind::TokLeftBracket => depth += 1,
                TokenKind::TokRightParen | TokenKind::TokRightBracket => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return i;
            }
        }
        open
    }
}

/// The crate writes operators as `_==_`, `!_` and `@in`.
fn is_operator(call: &CallExpr) -> bool {
    call.func_name.contains('_') || call.func_name.starts_with('@')
}
