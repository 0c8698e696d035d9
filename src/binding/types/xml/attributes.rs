//! Attributes of `YXmlElement` and `YXmlText`.

use std::rc::Rc;

use napi::bindgen_prelude::{FromNapiValue, Object, Unknown};
use napi::{Env, JsValue, ValueType};
use yrs::{Map, MapRef};

use crate::binding::error::{Result, throw};
use crate::binding::raw::{Reference, own_entries, set_key};
use crate::binding::types::shared_type::SharedType;
use crate::binding::types::transaction_argument::TransactionArgument as YTransaction;
use crate::binding::value::{Preliminaries, undefined, value_to_js};
use crate::document::{Input, Value, map_delete, map_set};
use crate::error::{ErrorCode, ProviderError};

/// Attributes of a preliminary node.
#[derive(Clone, Default)]
pub(in crate::binding) struct Attributes(Vec<(String, Rc<Reference>)>);

impl Attributes {
    pub(super) fn from_js(env: Env, attributes: Option<Unknown<'_>>) -> Result<Self> {
        let Some(attributes) = attributes else { return Ok(Self::default()) };
        let object = match attributes.get_type()? {
            ValueType::Undefined | ValueType::Null => return Ok(Self::default()),
            ValueType::Object if !attributes.is_array()? => {
                // SAFETY: it is an object.
                unsafe { Object::from_napi_value(env.raw(), attributes.raw()) }?
            }
            _ => {
                let message = "attributes: expected an object";
                return Err(throw(env, ProviderError::new(ErrorCode::InvalidArgument, message)));
            }
        };
        let entries = own_entries(env, &object)?.into_iter();
        entries
            .map(|(name, value)| Ok((name, Rc::new(Reference::boxed(env, &value)?))))
            .collect::<Result<_>>()
            .map(Self)
    }

    pub(super) fn input<'env>(
        &self,
        env: Env,
        seen: &mut Preliminaries<'env>,
    ) -> Result<Vec<(String, Input)>> {
        let attributes = self.0.iter();
        attributes
            .map(|(name, value)| Ok((name.clone(), seen.input(env, value.unboxed()?)?)))
            .collect()
    }
}

impl<P: AsMut<Attributes>> SharedType<P> {
    pub(super) fn set_attribute<'env>(
        &self,
        env: Env,
        name: String,
        value: Unknown<'env>,
        txn: Option<YTransaction>,
    ) -> Result<()> {
        if self.is_preliminary() {
            let value = Rc::new(Reference::boxed(env, &value)?);
            self.with_preliminary(|content| {
                let attributes = &mut content.as_mut().0;
                match attributes.iter_mut().find(|(other, _)| *other == name) {
                    Some(attribute) => attribute.1 = value,
                    None => attributes.push((name, value)),
                }
            });
            return Ok(());
        }
        let mut seen = Preliminaries::default();
        let input = seen.input(env, value)?;
        self.insert(env, txn, seen, |txn, branch| map_set(txn, branch, &name, input))
    }

    pub(super) fn remove_attribute(
        &self,
        env: Env,
        name: &str,
        txn: Option<YTransaction>,
    ) -> Result<()> {
        let removed =
            self.with_preliminary(|content| content.as_mut().0.retain(|(other, _)| other != name));
        match removed {
            Some(()) => Ok(()),
            None => self.write(env, txn, |txn, branch| {
                map_delete(txn, branch, name);
                Ok(())
            }),
        }
    }

    pub(super) fn attribute<'env>(
        &self,
        env: &'env Env,
        name: &str,
        txn: Option<YTransaction>,
    ) -> Result<Unknown<'env>> {
        let preliminary = self.with_preliminary(|content| {
            let attributes = &content.as_mut().0;
            attributes.iter().find(|(other, _)| other == name).map(|(_, value)| Rc::clone(value))
        });
        if let Some(value) = preliminary {
            return value.map_or_else(|| undefined(env), |value| value.unboxed());
        }
        let (core, _) = self.place(*env)?;
        let value = self.read(*env, txn, |reader, branch| {
            MapRef::from(branch).get(reader, name).map(Value::from)
        })?;
        value.map_or_else(|| undefined(env), |value| value_to_js(env, &core, &value))
    }

    pub(super) fn attributes<'env>(
        &self,
        env: &'env Env,
        txn: Option<YTransaction>,
    ) -> Result<Object<'env>> {
        let object = Object::new(env)?;
        if let Some(attributes) = self.with_preliminary(|content| content.as_mut().clone()) {
            for (name, value) in &attributes.0 {
                set_key(*env, &object, name, &value.unboxed()?)?;
            }
            return Ok(object);
        }
        let (core, _) = self.place(*env)?;
        let attributes = self.read(*env, txn, |reader, branch| {
            let attributes = MapRef::from(branch);
            attributes
                .iter(reader)
                .map(|(name, value)| (name.to_owned(), Value::from(value)))
                .collect::<Vec<_>>()
        })?;
        for (name, value) in &attributes {
            set_key(*env, &object, name, &value_to_js(env, &core, value)?)?;
        }
        Ok(object)
    }
}
