//! Privileges as PostgreSQL writes them: `{app=ar*w/owner,=r/owner}`.

/// What one role was given by one grantor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// To whom; empty for PUBLIC.
    pub grantee: String,
    /// The privileges' letters, each with `*` behind it where it may be handed on. Source: `aclitemout`.
    pub letters: String,
}

impl Grant {
    /// Reads an array of `aclitem`. Shape: in its order; what is no `aclitem` is left out.
    pub fn list(acl: &str) -> Vec<Self> {
        let inner = acl.trim_start_matches('{').trim_end_matches('}');
        let mut items = vec![String::new()];
        let (mut quoted, mut chars) = (false, inner.chars());
        while let Some(char) = chars.next() {
            match char {
                '\\' => items
                    .iter_mut()
                    .last()
                    .into_iter()
                    .for_each(|item| item.extend(chars.next())),
                '"' => quoted = !quoted,
                ',' if !quoted => items.push(String::new()),
                _ => items
                    .iter_mut()
                    .last()
                    .into_iter()
                    .for_each(|item| item.push(char)),
            }
        }
        items.iter().filter_map(|item| Self::one(item)).collect()
    }

    fn one(item: &str) -> Option<Self> {
        let (grantee, rest) = match item.strip_prefix('"') {
            // A name of its own quotes: doubled inside.
            Some(quoted) => {
                let end = quoted.replace("\"\"", "\0\0").find('"')?;
                let name = quoted.get(..end)?.replace("\"\"", "\"");
                (name, quoted.get(end + 1..)?.strip_prefix('=')?)
            }
            None => {
                let (name, rest) = item.split_once('=')?;
                (name.to_owned(), rest)
            }
        };
        let letters = rest.split('/').next()?.to_owned();
        Some(Self { grantee, letters })
    }

    /// Whether one of the privileges may be handed on.
    pub fn hands_on(&self) -> bool {
        self.letters.contains('*')
    }
}

#[cfg(test)]
mod tests {
    use super::Grant;

    #[test]
    fn privileges_are_read_with_odd_names() {
        let read = |acl| {
            let all = Grant::list(acl).into_iter();
            all.map(|grant| (grant.grantee, grant.letters))
                .collect::<Vec<_>>()
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            read("{app=ar*w/owner,=r/owner}"),
            [pair("app", "ar*w"), pair("", "r")]
        );
        assert_eq!(
            read(r#"{"\"my, role\"=r/o","\"a\"\"b\"=w/o"}"#),
            [pair("my, role", "r"), pair("a\"b", "w")]
        );
        assert_eq!(read("{}"), []);
    }
}
