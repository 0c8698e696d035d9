//! XML nodes: their neighbours in the tree and their text form.

use std::fmt::Write;
use std::sync::Arc;

use yrs::branch::BranchPtr;
use yrs::types::ToJson;
use yrs::types::text::YChange;
use yrs::{
    Any, Array, ArrayRef, Map, MapRef, Out, ReadTxn, Text, TextRef, Xml, XmlElementRef,
    XmlFragment, XmlFragmentRef, XmlOut,
};

use super::input::Input;
use super::value::{TypeHandle, TypeKind};

/// A direction among the children of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sibling {
    /// The node before.
    Previous,
    /// The node behind.
    Next,
}

/// Name of an element.
pub fn xml_name(branch: BranchPtr) -> Arc<str> {
    // A root has no name, whatever it is seen as.
    XmlElementRef::from(branch).try_tag().map_or_else(|| Arc::from("UNDEFINED"), Arc::clone)
}

/// First child of an element or fragment.
pub fn xml_first_child(branch: BranchPtr) -> Option<TypeHandle> {
    XmlFragmentRef::from(branch).first_child().as_ref().map(handle)
}

/// Neighbour of an element or text.
pub fn xml_sibling<T: ReadTxn>(txn: &T, branch: BranchPtr, which: Sibling) -> Option<TypeHandle> {
    let node = XmlElementRef::from(branch);
    let mut siblings = node.siblings(txn);
    let sibling = match which {
        Sibling::Previous => siblings.next_back(),
        Sibling::Next => siblings.next(),
    };
    sibling.as_ref().map(handle)
}

/// The node that holds this one; `None` for a root or a node inside of something that is not XML.
pub fn xml_parent(branch: BranchPtr) -> Option<TypeHandle> {
    XmlElementRef::from(branch).parent().as_ref().map(handle)
}

/// All nodes below an element or fragment, depth first.
pub fn xml_descendants<T: ReadTxn>(txn: &T, branch: BranchPtr) -> Vec<TypeHandle> {
    XmlFragmentRef::from(branch).successors(txn).map(|node| handle(&node)).collect()
}

/// A node as XML. Attributes come in the order of their names; nothing is escaped, as in yjs and ywasm.
///
/// Unlike the CRDT's own, needs no stack of its depth and gives the same string on every replica.
pub fn xml_to_string<T: ReadTxn>(txn: &T, branch: BranchPtr) -> String {
    let mut xml = String::new();
    let mut todo = vec![Todo::Node(branch)];
    while let Some(next) = todo.pop() {
        let branch = match next {
            Todo::Node(branch) => branch,
            Todo::End(name) => {
                close(&mut xml, &name);
                continue;
            }
            Todo::Value(value) => {
                xml.push_str(&any_to_string(&value.to_json(txn)));
                continue;
            }
        };
        match TypeHandle::of(&branch).kind {
            TypeKind::XmlText => {
                text_to_string(&mut xml, txn, branch);
                continue;
            }
            TypeKind::XmlElement => {
                let name = xml_name(branch);
                let map = MapRef::from(branch);
                let attributes =
                    map.iter(txn).map(|(key, value)| (key, any_to_string(&value.to_json(txn))));
                open(&mut xml, &name, attributes.collect());
                todo.push(Todo::End(name));
            }
            _ => {}
        }
        let first = todo.len();
        todo.extend(ArrayRef::from(branch).iter(txn).map(|child| match XmlOut::try_from(child) {
            Ok(node) => Todo::Node(node.as_ptr()),
            Err(value) => Todo::Value(value),
        }));
        todo[first..].reverse();
    }
    xml
}

/// A preliminary node as XML, as [`xml_to_string`] gives it once it is inserted.
pub fn input_to_string(node: &Input) -> String {
    let mut xml = String::new();
    write_input(&mut xml, node);
    xml
}

enum Todo {
    Node(BranchPtr),
    Value(Out),
    End(Arc<str>),
}

fn handle(node: &XmlOut) -> TypeHandle {
    TypeHandle::of(node.as_ref())
}

/// Attributes of a run become elements around it.
fn text_to_string<T: ReadTxn>(xml: &mut String, txn: &T, branch: BranchPtr) {
    for run in TextRef::from(branch).diff(txn, YChange::identity) {
        let mut formats: Vec<_> = run.attributes.iter().flat_map(|it| it.iter()).collect();
        formats.sort_by_key(|(name, _)| Arc::clone(name));
        for (name, value) in &formats {
            let attributes = match value {
                Any::Map(map) => {
                    map.iter().map(|(key, value)| (key.as_str(), any_to_string(value))).collect()
                }
                _ => Vec::new(),
            };
            open(xml, name, attributes);
        }
        if let Out::Any(any) = &run.insert {
            xml.push_str(&any_to_string(any));
        }
        for (name, _) in formats.iter().rev() {
            close(xml, name);
        }
    }
}

fn write_input(xml: &mut String, node: &Input) {
    match node {
        Input::XmlElement(_, name, attributes, children) => {
            let attributes = attributes
                .iter()
                .map(|(key, value)| (key.as_str(), any_to_string(&to_json(value))));
            open(xml, name, attributes.collect());
            for child in children {
                write_input(xml, child);
            }
            close(xml, name);
        }
        Input::XmlFragment(_, children) => {
            for child in children {
                write_input(xml, child);
            }
        }
        other => xml.push_str(&any_to_string(&to_json(other))),
    }
}

fn to_json(input: &Input) -> Any {
    match input {
        Input::Any(any) => any.clone(),
        Input::Text(_, text) | Input::XmlText(_, text, _) => Any::from(text.as_str()),
        Input::Array(_, items) => Any::Array(items.iter().map(to_json).collect()),
        Input::Map(_, entries) => Any::Map(Arc::new(
            entries.iter().map(|(key, value)| (key.clone(), to_json(value))).collect(),
        )),
        Input::XmlElement(..) | Input::XmlFragment(..) => Any::from(input_to_string(input)),
        Input::WeakLink(..) | Input::Document(_) => Any::Undefined,
    }
}

/// A value as ywasm writes it, but with keys in order.
fn any_to_string(any: &Any) -> String {
    match any {
        Any::Array(items) => {
            let items: Vec<_> = items.iter().map(any_to_string).collect();
            format!("[{}]", items.join(", "))
        }
        Any::Map(map) => {
            let mut entries: Vec<_> =
                map.iter().map(|(key, value)| format!("{key}: {}", any_to_string(value))).collect();
            entries.sort_unstable();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

fn open(xml: &mut String, name: &str, mut attributes: Vec<(&str, String)>) {
    attributes.sort_unstable();
    write!(xml, "<{name}").ok();
    for (key, value) in attributes {
        write!(xml, " {key}=\"{value}\"").ok();
    }
    xml.push('>');
}

fn close(xml: &mut String, name: &str) {
    write!(xml, "</{name}>").ok();
}
