//! Values to be inserted, among them shared types that are part of no document yet.

use std::rc::Rc;

use napi::bindgen_prelude::{ClassInstance, Unknown};
use napi::{Env, ValueType};

use super::error::Result;
use super::plain_value::{MAX_DEPTH, json_from_js, unsupported, value_from_js};
use super::shared_types::instance;
use super::types::{
    DocCore, YArray, YDoc, YMap, YText, YWeakLink, YXmlElement, YXmlFragment, YXmlText,
};
use crate::document::Input;

/// Preliminary shared types met while values were converted; they are part of the document once it took the values.
#[derive(Default)]
pub(super) struct Preliminaries<'env> {
    texts: Vec<ClassInstance<'env, YText>>,
    arrays: Vec<ClassInstance<'env, YArray>>,
    maps: Vec<ClassInstance<'env, YMap>>,
    elements: Vec<ClassInstance<'env, YXmlElement>>,
    fragments: Vec<ClassInstance<'env, YXmlFragment>>,
    xml_texts: Vec<ClassInstance<'env, YXmlText>>,
    links: Vec<ClassInstance<'env, YWeakLink>>,
    docs: Vec<ClassInstance<'env, YDoc>>,
    depth: usize,
}

impl<'env> Preliminaries<'env> {
    /// A JavaScript value to be inserted, a preliminary shared type or a plain value.
    pub(super) fn input(&mut self, env: Env, value: Unknown<'env>) -> Result<Input> {
        match self.shared_type(env, &value)? {
            Some(input) => Ok(input),
            None => value_from_js(env, value).map(Input::Any),
        }
    }

    /// The same for what is embedded in a text.
    pub(super) fn embed(&mut self, env: Env, value: Unknown<'env>) -> Result<Input> {
        if instance::<YDoc>(env, &value).is_some() {
            return Err(unsupported(env, "a document inside of a text"));
        }
        match self.shared_type(env, &value)? {
            Some(input) => Ok(input),
            None => json_from_js(env, value).map(Input::Any),
        }
    }

    fn shared_type(&mut self, env: Env, value: &Unknown<'env>) -> Result<Option<Input>> {
        if value.get_type()? == ValueType::Object {
            if let Some(text) = instance::<YText>(env, value) {
                let input = text.input(env)?;
                self.texts.push(text);
                return Ok(Some(input));
            }
            if let Some(array) = instance::<YArray>(env, value) {
                let input = self.nested(env, |seen| array.input(env, seen))?;
                self.arrays.push(array);
                return Ok(Some(input));
            }
            if let Some(map) = instance::<YMap>(env, value) {
                let input = self.nested(env, |seen| map.input(env, seen))?;
                self.maps.push(map);
                return Ok(Some(input));
            }
            if let Some(element) = instance::<YXmlElement>(env, value) {
                let input = self.nested(env, |seen| element.input(env, seen))?;
                self.elements.push(element);
                return Ok(Some(input));
            }
            if let Some(fragment) = instance::<YXmlFragment>(env, value) {
                let input = self.nested(env, |seen| fragment.input(env, seen))?;
                self.fragments.push(fragment);
                return Ok(Some(input));
            }
            if let Some(text) = instance::<YXmlText>(env, value) {
                let input = self.nested(env, |seen| text.input(env, seen))?;
                self.xml_texts.push(text);
                return Ok(Some(input));
            }
            if let Some(link) = instance::<YWeakLink>(env, value) {
                let input = link.input(env)?;
                self.links.push(link);
                return Ok(Some(input));
            }
            if let Some(doc) = instance::<YDoc>(env, value) {
                let is_given = self.docs.iter().any(|it| Rc::ptr_eq(&it.core, &doc.core));
                let input = doc.input(env, &doc, is_given)?;
                self.docs.push(doc);
                return Ok(Some(input));
            }
        }
        Ok(None)
    }

    fn nested(
        &mut self,
        env: Env,
        input: impl FnOnce(&mut Self) -> Result<Input>,
    ) -> Result<Input> {
        if self.depth == MAX_DEPTH {
            return Err(unsupported(env, "a shared type that is nested too deep"));
        }
        self.depth += 1;
        let input = input(self);
        self.depth -= 1;
        input
    }

    /// Whether they can become part of this document.
    pub(super) fn check(&self, env: Env, core: &Rc<DocCore>) -> Result<()> {
        self.links.iter().try_for_each(|it| it.check(env, core))
    }

    /// Tells them where they are now.
    pub(super) fn integrate(self, env: Env, core: &Rc<DocCore>) -> Result<()> {
        core.local.add_types(self.texts.len() + self.arrays.len() + self.maps.len());
        self.texts.iter().try_for_each(|it| it.0.integrate(env, core, it))?;
        self.arrays.iter().try_for_each(|it| it.0.integrate(env, core, it))?;
        self.maps.iter().try_for_each(|it| it.0.integrate(env, core, it))?;
        self.elements.iter().try_for_each(|it| it.0.integrate(env, core, it))?;
        self.fragments.iter().try_for_each(|it| it.0.integrate(env, core, it))?;
        self.xml_texts.iter().try_for_each(|it| it.0.integrate(env, core, it))?;
        self.links.iter().try_for_each(|it| it.0.integrate(env, core, it))?;
        self.docs.iter().try_for_each(|it| core.adopt(env, it, &it.core.guid()))
    }
}
