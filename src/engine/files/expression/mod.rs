//! Filter expressions as Altogic's client library sends them:
//! `this.fileName == 'a.png' && size < 1000`.
//!
//! # The language
//!
//! * Fields by their names, `this.` before them or not. Literals: `'text'` or `"text"` (a backslash
//!   takes the next letter as it is), numbers, `true`, `false`, `null`.
//! * `== != < <= > >=`, `!`, `&&`, `||` and parentheses, bound as in JavaScript. Only things of one
//!   kind have an order; a date is a text in ISO 8601 and compares as one.
//! * `IN(a, b, …)`: whether one of the others is `a`, or in `a` where that is a list; `NIN` is its
//!   opposite. `STARTSWITH(text, part)`, `ENDSWITH`, `INCLUDES`: a third argument `false` passes
//!   over upper and lower case. `EXISTS(field)`. `DATE('2022-03-18')` and
//!   `DATE(2022, 3, 18, 15, 37, 5)`, in UTC. Names of functions in any case.
//!
//! Nothing else: everything a visitor sends ends in a refusal or in a tree of at most
//! [`LENGTH_MAX`] bytes and [`DEPTH_MAX`] floors, which reads one thing at a time and does nothing
//! (S74, S75).

mod parser;

use std::cmp::Ordering;

use crate::port::Code;

/// The longest expression, in bytes.
const LENGTH_MAX: usize = 2000;
/// How deep an expression may be nested.
const DEPTH_MAX: usize = 32;

/// Value of a field or an expression.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) enum FieldValue {
    Nothing,
    Flag(bool),
    Number(f64),
    Text(String),
    List(Vec<String>),
}

/// A thing with fields.
pub(in crate::engine) trait FieldSource {
    /// The fields there are.
    const NAMES: &'static [&'static str];

    /// The field of that name; nothing for a name that is none.
    fn field(&self, name: &str) -> FieldValue;
}

/// An expression that was read.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Expression(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Literal(FieldValue),
    Field(&'static str),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    In,
    NotIn,
    StartsWith,
    EndsWith,
    Includes,
    Exists,
}

impl Expression {
    /// Reads an expression about things with these fields.
    ///
    /// # Errors
    /// `InvalidExpression` for everything that is not of the language.
    pub(in crate::engine) fn parse(
        text: &str,
        fields: &'static [&'static str],
    ) -> Result<Self, Code> {
        if text.len() > LENGTH_MAX {
            return Err(Code::InvalidExpression);
        }
        parser::parse(text, fields).map(Self).ok_or(Code::InvalidExpression)
    }

    /// Whether the thing is one of those meant.
    pub(in crate::engine) fn holds_for(&self, thing: &impl FieldSource) -> bool {
        self.0.value(thing).is_truthy()
    }
}

impl Node {
    fn value(&self, thing: &impl FieldSource) -> FieldValue {
        let truth = |node: &Self| node.value(thing).is_truthy();
        match self {
            Self::Literal(value) => value.clone(),
            Self::Field(name) => thing.field(name),
            Self::Not(node) => FieldValue::Flag(!truth(node)),
            Self::And(left, right) => FieldValue::Flag(truth(left) && truth(right)),
            Self::Or(left, right) => FieldValue::Flag(truth(left) || truth(right)),
            Self::Compare(comparison, left, right) => {
                FieldValue::Flag(comparison.holds(&left.value(thing), &right.value(thing)))
            }
            Self::Call(function, arguments) => {
                let arguments: Vec<FieldValue> =
                    arguments.iter().map(|argument| argument.value(thing)).collect();
                function.call(&arguments)
            }
        }
    }
}

impl FieldValue {
    fn is_truthy(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Flag(flag) => *flag,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(_) => true,
        }
    }

    /// The order of two values of one kind; nothing comes before everything, kinds do not mix.
    pub(in crate::engine) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => Some(Ordering::Equal),
            (Self::Nothing, _) => Some(Ordering::Less),
            (_, Self::Nothing) => Some(Ordering::Greater),
            (Self::Flag(one), Self::Flag(two)) => Some(one.cmp(two)),
            (Self::Number(one), Self::Number(two)) => one.partial_cmp(two),
            (Self::Text(one), Self::Text(two)) => Some(one.cmp(two)),
            (Self::List(one), Self::List(two)) => Some(one.cmp(two)),
            _ => None,
        }
    }

    fn has(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(texts), Self::Text(text)) => texts.contains(text),
            _ => self == other,
        }
    }
}

impl Comparison {
    fn holds(self, left: &FieldValue, right: &FieldValue) -> bool {
        // Nothing is equal to nothing, but neither smaller nor larger than anything.
        let order = left
            .order(right)
            .filter(|_| *left != FieldValue::Nothing && *right != FieldValue::Nothing);
        match self {
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

impl Function {
    /// The parser saw to it that there are as many arguments as it takes.
    fn call(self, arguments: &[FieldValue]) -> FieldValue {
        let Some((first, others)) = arguments.split_first() else { return FieldValue::Nothing };
        match self {
            Self::In => FieldValue::Flag(others.iter().any(|other| first.has(other))),
            Self::NotIn => FieldValue::Flag(!others.iter().any(|other| first.has(other))),
            Self::StartsWith => {
                FieldValue::Flag(texts(arguments, |text, part| text.starts_with(part)))
            }
            Self::EndsWith => FieldValue::Flag(texts(arguments, |text, part| text.ends_with(part))),
            Self::Includes => FieldValue::Flag(texts(arguments, |text, part| text.contains(part))),
            Self::Exists => FieldValue::Flag(*first != FieldValue::Nothing),
        }
    }
}

fn texts(arguments: &[FieldValue], holds: impl Fn(&str, &str) -> bool) -> bool {
    match arguments {
        [FieldValue::Text(text), FieldValue::Text(part), FieldValue::Flag(false)] => {
            holds(&text.to_lowercase(), &part.to_lowercase())
        }
        [FieldValue::Text(text), FieldValue::Text(part), ..] => holds(text, part),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Photo;

    impl FieldSource for Photo {
        const NAMES: &'static [&'static str] =
            &["fileName", "size", "isPublic", "tags", "userId", "uploadedAt"];

        fn field(&self, name: &str) -> FieldValue {
            match name {
                "fileName" => FieldValue::Text("Cat's nap.png".to_owned()),
                "size" => FieldValue::Number(1000.0),
                "isPublic" => FieldValue::Flag(true),
                "tags" => FieldValue::List(vec!["pets".to_owned(), "black".to_owned()]),
                "uploadedAt" => FieldValue::Text("2022-03-18T15:37:05.835Z".to_owned()),
                _ => FieldValue::Nothing,
            }
        }
    }

    fn holds(text: &str) -> bool {
        Expression::parse(text, Photo::NAMES).unwrap_or_else(|_| panic!("{text}")).holds_for(&Photo)
    }

    #[test]
    fn what_is_true_holds() {
        for text in [
            "fileName == 'Cat\\'s nap.png'",
            "this.fileName==\"Cat's nap.png\"",
            "size == 1000 && size >= 1e3 && size > -1 && size < 1000.5",
            "isPublic",
            "!(size < 10) && !false",
            "size < 10 || isPublic == true && tags != null",
            "userId == null && !EXISTS(userId) && EXISTS(this.tags)",
            "IN(tags, 'pets') && in(tags, 'dogs', 'black') && NIN(tags, 'dogs')",
            "IN(size, 1, 1000) && !IN(fileName, 'a', 'b')",
            "STARTSWITH(fileName, 'Cat') && ENDSWITH(fileName, '.png') && INCLUDES(fileName, \
                'nap')",
            "!INCLUDES(fileName, 'NAP') && INCLUDES(fileName, 'NAP', false)",
            "uploadedAt > DATE('2022-03-18') && uploadedAt < DATE(2022, 3, 18, 15, 37, 6)",
            "uploadedAt >= '2022-03-18T15:37:05.835Z'",
        ] {
            assert!(holds(text), "{text}");
        }
    }

    #[test]
    fn things_of_two_kinds_have_no_order() {
        for text in [
            "size < 'b'",
            "size > 'b'",
            "userId < 'b'",
            "userId > 'b'",
            "tags >= 1",
            "fileName == 1",
        ] {
            assert!(!holds(text), "{text}");
        }
    }

    /// S74, S75
    #[test]
    fn what_cannot_be_read_is_refused_and_nothing_falls_over() {
        let deep = format!("{}true{}", "(".repeat(900), ")".repeat(900));
        let nots = "!".repeat(1900) + "true";
        let long = format!("size == {}", "1".repeat(3000));
        for text in [
            "",
            " ",
            "size ==",
            "== 1",
            "size = 1",
            "size == 1 2",
            "(size",
            "size)",
            "nothing == 1",
            "this.",
            "'open",
            "size == 1 &&",
            "a.b == 1",
            "IN()",
            "IN(tags)",
            "STARTSWITH(fileName)",
            "EVAL('x')",
            "DATE('soon')",
            "DATE(2022, 13, 1)",
            "DATE(size, 1, 1)",
            "size == 1; drop table files",
            "1 == 1e999",
            "size & 1",
            "é == 1",
            "password == ''",
            &deep,
            &nots,
            &long,
        ] {
            assert_eq!(
                Expression::parse(text, Photo::NAMES),
                Err(Code::InvalidExpression),
                "{text}"
            );
        }
    }
}
