//! PostgreSQL's node trees as text (`pg_node_tree`), read into nested values.
//!
//! Source: `src/backend/nodes/outfuncs.c`; the grammar is the same on 16 to 18. Locations are
//! dropped: they say where a text stood, not what it means.

/// One value of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Node {
    /// `{TAG :field value …}`; a field may have several values.
    Struct(String, Vec<(String, Vec<Node>)>),
    /// `( … )`, the word for what kind of numbers it holds included.
    List(Vec<Node>),
    /// Anything else; `<>` is empty.
    Word(String),
    /// `[ … ]`: a constant's bytes.
    Bytes(Vec<u8>),
}

impl Node {
    /// The struct's tag, or nothing.
    pub fn tag(&self) -> &str {
        match self {
            Self::Struct(tag, _) => tag,
            _ => "",
        }
    }

    /// All values of a field.
    pub fn values(&self, field: &str) -> &[Self] {
        match self {
            Self::Struct(_, fields) => fields
                .iter()
                .find(|(name, _)| name == field)
                .map_or(&[], |(_, values)| values.as_slice()),
            _ => &[],
        }
    }

    /// The first value of a field.
    pub fn value(&self, field: &str) -> Option<&Self> {
        self.values(field).first()
    }

    /// The field as a number.
    pub fn number(&self, field: &str) -> Option<i64> {
        self.word(field).parse().ok()
    }

    /// The field as a word, or nothing.
    pub fn word(&self, field: &str) -> &str {
        match self.value(field) {
            Some(Self::Word(word)) => word,
            _ => "",
        }
    }

    /// The field's list.
    pub fn list(&self, field: &str) -> &[Self] {
        match self.value(field) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }
}

/// Reads a tree. Shape: nothing when the text is not one, or nests deeper than any policy does.
pub fn parse(text: &str) -> Option<Node> {
    let mut reader = Reader {
        text: text.as_bytes(),
        at: 0,
        depth: 0,
    };
    let node = reader.node()?;
    reader.blank();
    (reader.at == reader.text.len()).then_some(node)
}

/// How deep a tree may nest.
const DEPTH_MAX: u32 = 400;

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: u32,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn node(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        self.blank();
        let node = match self.peek()? {
            b'{' => self.structure(),
            b'(' => {
                self.at += 1;
                self.until(b')').map(Node::List)
            }
            b'[' => {
                self.at += 1;
                let words = self.until(b']')?;
                let bytes = words.iter().map(|word| match word {
                    Node::Word(word) => word.parse::<i16>().ok().map(|n| n.to_le_bytes()[0]),
                    _ => None,
                });
                bytes.collect::<Option<Vec<u8>>>().map(Node::Bytes)
            }
            _ => self.word().map(Node::Word),
        };
        self.depth -= 1;
        node
    }

    fn until(&mut self, close: u8) -> Option<Vec<Node>> {
        let mut items = Vec::new();
        loop {
            self.blank();
            if self.peek()? == close {
                self.at += 1;
                return Some(items);
            }
            items.push(self.node()?);
        }
    }

    fn structure(&mut self) -> Option<Node> {
        self.at += 1;
        let tag = self.word()?;
        let mut fields: Vec<(String, Vec<Node>)> = Vec::new();
        loop {
            self.blank();
            match self.peek()? {
                b'}' => {
                    self.at += 1;
                    fields.retain(|(name, _)| {
                        name != "location" && name != "stmt_location" && name != "stmt_len"
                    });
                    return Some(Node::Struct(tag, fields));
                }
                b':' => {
                    self.at += 1;
                    fields.push((self.word()?, Vec::new()));
                }
                _ => {
                    let value = self.node()?;
                    // BOOLEXPR and a few others have a bare word before the first field.
                    match fields.last_mut() {
                        Some((_, values)) => values.push(value),
                        None => fields.push((String::new(), vec![value])),
                    }
                }
            }
        }
    }

    /// A word, its backslashes taken away; a quoted one keeps its quotes out.
    fn word(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        let quoted = self.peek() == Some(b'"');
        self.at += usize::from(quoted);
        while let Some(c) = self.peek() {
            match c {
                b'"' if quoted => {
                    self.at += 1;
                    return String::from_utf8(bytes).ok();
                }
                b'\\' => {
                    self.at += 1;
                    bytes.push(self.peek()?);
                }
                _ if !quoted && (c.is_ascii_whitespace() || b"(){}[]".contains(&c)) => break,
                _ => bytes.push(c),
            }
            self.at += 1;
        }
        let word = String::from_utf8(bytes).ok()?;
        match word.as_str() {
            "<>" => Some(String::new()),
            _ if word.is_empty() && !quoted => None,
            _ => Some(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read_with_lists_bytes_and_escapes() {
        let text = r"{OPEXPR :opno 2972 :args ({VAR :varattno 2 :location -1} {CONST :constisnull false :constvalue 5 [ 20 0 0 0 -1 ]}) :name a\ b :empty <> :location 7}";
        let node = parse(text).unwrap();
        assert_eq!(node.tag(), "OPEXPR");
        assert_eq!(node.number("opno"), Some(2972));
        assert_eq!(node.list("args")[0].number("varattno"), Some(2));
        assert_eq!(
            node.list("args")[1].values("constvalue")[1],
            Node::Bytes(vec![20, 0, 0, 0, 255])
        );
        assert_eq!((node.word("name"), node.word("empty")), ("a b", ""));
        assert!(node.value("location").is_none());
    }

    #[test]
    fn a_text_that_is_no_tree_is_refused() {
        for text in ["", "{A", "(a", "{A :b [x]}", "a b"] {
            assert!(parse(text).is_none(), "{text}");
        }
        assert!(parse(&"(".repeat(100_000)).is_none());
    }
}
