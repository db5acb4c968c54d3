/// What somebody typed into the search box, cut into folded words by [`cut_words`]; the last one counts as a beginning.
#[derive(Debug, Clone, Default)]
pub struct SearchQuery {
    pub words: Vec<String>,
    /// Only these resources; empty finds nothing.
    pub resources: Vec<String>,
    pub limit: i64,
    pub offset: i64,
}

/// Cuts text into folded words, the same way for what is stored and for what is asked.
pub fn cut_words(text: &str) -> Vec<String> {
    todo!()
}
