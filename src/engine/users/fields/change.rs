//! Updates of declared fields, by type (altogic-protocol.md §6 names the types, and no more). The
//! choices are those of MongoDB, which the original was built on, so that applications find what
//! they were written against.
//!
//! | update | on | a value | no value, and no default |
//! |---|---|---|---|
//! | `set` | every type | replaces it; `null` unsets | sets it |
//! | `unset` | every type | the field is absent, or shows its default again | stays absent |
//! | `increment`, `decrement` | integer, number | adds, subtracts | begins at 0 |
//! | `multiply` | integer, number | multiplies | becomes 0 |
//! | `min`, `max` | integer, number, date | the smaller, the larger of the two stays | becomes the operand |
//! | `push` | list | appends one element | becomes a list of that element |
//! | `pull` | list | takes out every equal element | stays absent |
//! | `pop`, `shift` | list | takes out the last, the first element; an empty list stays empty | stays absent |
//!
//! An update of another type than those it is for, an operand that is missing or of another type
//! than the field's, a stored value that no longer fits the declaration (for anything but `set` and
//! `unset`), and a result that does not fit it (a fraction in an integer, a number beyond 2⁵³ − 1,
//! a list that is too long) are all refused with `InvalidFieldValue`.

use serde_json::Value;

use super::{
    FieldDeclaration, FieldType,
    value::{from_f64, moment, scalar},
};
use crate::port::{Code, Update};

impl FieldDeclaration {
    /// Value after the update; `None` for no value.
    pub(super) fn change(
        &self,
        former: Option<Value>,
        update: Update,
    ) -> Result<Option<Value>, Code> {
        match update {
            Update::Unset | Update::Set(Value::Null) => return Ok(None),
            Update::Set(value) => return self.read(value).map(Some),
            _ => {}
        }
        let former = former.map(|value| self.read(value)).transpose()?;
        let changed = match self.kind {
            FieldType::Integer | FieldType::Number => reckon(former.as_ref(), &update).map(Some),
            FieldType::Date => choose(former.as_ref(), &update).map(Some),
            FieldType::List => rearrange(former, update),
            FieldType::String
            | FieldType::Boolean
            | FieldType::Email
            | FieldType::Url
            | FieldType::Object => None,
        };
        changed.ok_or(Code::InvalidFieldValue)?.map(|value| self.read(value)).transpose()
    }
}

/// The result of an arithmetic update; `None` when it is none, or there is no result.
fn reckon(former: Option<&Value>, update: &Update) -> Option<Value> {
    let former = former.and_then(Value::as_f64);
    let result = match update {
        Update::Increment(operand) => former.unwrap_or(0.0) + operand.as_f64()?,
        Update::Decrement(operand) => former.unwrap_or(0.0) - operand.as_f64()?,
        Update::Multiply(operand) => former.unwrap_or(0.0) * operand.as_f64()?,
        Update::Min(operand) => former.unwrap_or(f64::INFINITY).min(operand.as_f64()?),
        Update::Max(operand) => former.unwrap_or(f64::NEG_INFINITY).max(operand.as_f64()?),
        _ => return None,
    };
    from_f64(result)
}

/// The earlier or the later of two dates, as it was written.
fn choose(former: Option<&Value>, update: &Update) -> Option<Value> {
    let (Update::Min(operand) | Update::Max(operand)) = update else { return None };
    let asked = moment(operand.as_str()?)?;
    let former = former.and_then(|former| Some((former, moment(former.as_str()?)?)));
    let stays = former.filter(|(_, stood)| {
        if matches!(update, Update::Min(_)) { *stood <= asked } else { *stood >= asked }
    });
    Some(stays.map_or(operand, |(former, _)| former).clone())
}

/// The list after an update; the inner `None` for no value.
fn rearrange(former: Option<Value>, update: Update) -> Option<Option<Value>> {
    let former = match former {
        Some(Value::Array(elements)) => Some(elements),
        _ => None,
    };
    let rearranged = match (update, former) {
        (Update::Push(element), former) => {
            let mut elements = former.unwrap_or_default();
            elements.push(scalar(element)?);
            Some(elements)
        }
        (Update::Pull(element), former) => {
            let element = scalar(element)?;
            former.map(|elements| elements.into_iter().filter(|other| *other != element).collect())
        }
        (Update::Pop, former) => former.map(|mut elements| {
            elements.pop();
            elements
        }),
        (Update::Shift, former) => former.map(|elements| elements.into_iter().skip(1).collect()),
        _ => return None,
    };
    Some(rearranged.map(Value::Array))
}
