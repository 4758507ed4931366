//! From the text to the tree, by recursive descent: one function a level of binding.

use jiff::{Timestamp, civil};

use super::{Comparison, DEPTH_MAX, FieldValue, Function, Node};

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Literal(FieldValue),
    Mark(&'static str),
}

/// Longer ones before those that they begin with.
const MARKS: &[&str] = &["==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "(", ")", ","];

/// The tree of a text; `None` when it is not of the language.
pub(super) fn parse(text: &str, fields: &'static [&'static str]) -> Option<Node> {
    let mut tokens = tokens(text)?;
    tokens.reverse();
    let mut parser = Parser { tokens, fields, depth: 0 };
    let node = parser.or()?;
    parser.tokens.is_empty().then_some(node)
}

struct Parser {
    /// The next one is the last one.
    tokens: Vec<Token>,
    fields: &'static [&'static str],
    depth: usize,
}

impl Parser {
    fn or(&mut self) -> Option<Node> {
        let mut node = self.and()?;
        while self.takes("||") {
            node = Node::Or(Box::new(node), Box::new(self.and()?));
        }
        Some(node)
    }

    fn and(&mut self) -> Option<Node> {
        let mut node = self.comparison()?;
        while self.takes("&&") {
            node = Node::And(Box::new(node), Box::new(self.comparison()?));
        }
        Some(node)
    }

    fn comparison(&mut self) -> Option<Node> {
        let left = self.unary()?;
        let Some(comparison) = self.comparison_mark() else { return Some(left) };
        Some(Node::Compare(comparison, Box::new(left), Box::new(self.unary()?)))
    }

    fn comparison_mark(&mut self) -> Option<Comparison> {
        let Some(Token::Mark(mark)) = self.tokens.last() else { return None };
        let comparison = match *mark {
            "==" => Comparison::Equal,
            "!=" => Comparison::Unequal,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return None,
        };
        self.tokens.pop();
        Some(comparison)
    }

    /// Everything that nests passes here, so here its depth is counted.
    fn unary(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let node =
            if self.takes("!") { Node::Not(Box::new(self.unary()?)) } else { self.primary()? };
        self.depth -= 1;
        Some(node)
    }

    fn primary(&mut self) -> Option<Node> {
        match self.tokens.pop()? {
            Token::Literal(value) => Some(Node::Literal(value)),
            Token::Name(name) if self.takes("(") => self.call(&name),
            Token::Name(name) => {
                let name = name.strip_prefix("this.").unwrap_or(&name);
                self.fields.iter().find(|field| **field == name).map(|field| Node::Field(field))
            }
            Token::Mark("(") => {
                let node = self.or()?;
                self.takes(")").then_some(node)
            }
            Token::Mark(_) => None,
        }
    }

    fn call(&mut self, name: &str) -> Option<Node> {
        let mut arguments = vec![self.or()?];
        while self.takes(",") {
            arguments.push(self.or()?);
        }
        if !self.takes(")") {
            return None;
        }
        let (function, counts) = match name.to_ascii_uppercase().as_str() {
            "IN" => (Function::In, 2..=usize::MAX),
            "NIN" => (Function::NotIn, 2..=usize::MAX),
            "STARTSWITH" => (Function::StartsWith, 2..=3),
            "ENDSWITH" => (Function::EndsWith, 2..=3),
            "INCLUDES" => (Function::Includes, 2..=3),
            "EXISTS" => (Function::Exists, 1..=1),
            "DATE" => return date(&arguments).map(|text| Node::Literal(FieldValue::Text(text))),
            _ => return None,
        };
        counts.contains(&arguments.len()).then_some(Node::Call(function, arguments))
    }

    fn takes(&mut self, mark: &'static str) -> bool {
        let is_next = self.tokens.last() == Some(&Token::Mark(mark));
        if is_next {
            self.tokens.pop();
        }
        is_next
    }
}

/// A moment as the fields write theirs.
fn date(arguments: &[Node]) -> Option<String> {
    let moment = match arguments {
        [Node::Literal(FieldValue::Text(text))] => moment(text)?,
        [_, _, _, rest @ ..] if rest.len() <= 3 => {
            let mut parts = [0_i16; 6];
            for (part, argument) in parts.iter_mut().zip(arguments) {
                let Node::Literal(FieldValue::Number(number)) = argument else { return None };
                *part = small(*number)?;
            }
            let part = |index: usize| i8::try_from(parts[index]).ok();
            let moment =
                civil::DateTime::new(parts[0], part(1)?, part(2)?, part(3)?, part(4)?, part(5)?, 0)
                    .ok()?;
            moment.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
        }
        _ => return None,
    };
    Some(super::super::date(moment))
}

fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    Some(text.parse::<civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

/// A whole number of up to four digits.
fn small(number: f64) -> Option<i16> {
    let is_small = number.fract() == 0.0 && (0.0..=9999.0).contains(&number);
    if is_small { format!("{number:.0}").parse().ok() } else { None }
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(letter) = rest.chars().next() {
        let (token, length) = if letter == '\'' || letter == '"' {
            quoted(rest, letter)?
        } else if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            (Token::Mark(mark), mark.len())
        } else if letter.is_ascii_digit() || letter == '-' {
            number(rest)?
        } else {
            name(rest)?
        };
        tokens.push(token);
        rest = rest.get(length..)?.trim_start();
    }
    Some(tokens)
}

/// A text in quotation marks, and how long it is with them.
fn quoted(text: &str, quote: char) -> Option<(Token, usize)> {
    let mut value = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((index, letter)) = letters.next() {
        match letter {
            '\\' => value.push(letters.next()?.1),
            letter if letter == quote => {
                return Some((Token::Literal(FieldValue::Text(value)), index + 1));
            }
            letter => value.push(letter),
        }
    }
    None
}

fn number(text: &str) -> Option<(Token, usize)> {
    let is_part = |(index, letter): &(usize, char)| {
        letter.is_ascii_digit()
            || matches!(letter, '.' | 'e' | 'E')
            || (*letter == '-' && *index == 0)
    };
    let length = text.char_indices().take_while(is_part).count();
    let number: f64 = text.get(..length)?.parse().ok()?;
    number.is_finite().then_some((Token::Literal(FieldValue::Number(number)), length))
}

fn name(text: &str) -> Option<(Token, usize)> {
    let is_part = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.');
    let length = text.chars().take_while(is_part).count();
    let token = match text.get(..length)? {
        "" => return None,
        "true" => Token::Literal(FieldValue::Flag(true)),
        "false" => Token::Literal(FieldValue::Flag(false)),
        "null" | "undefined" => Token::Literal(FieldValue::Nothing),
        name => Token::Name(name.to_owned()),
    };
    Some((token, length))
}
