//! The rules of `[[groups]]` and `[[users]]`.

use std::ops::Range;

use super::{Check, of};
use crate::config::de::TomlNode;
use crate::config::suggest;
use crate::config::types::{Group, User};
use crate::model::{UnixName, UserRef};

impl<'a, 'i: 'a> Check<'a, 'i> {
    pub(in crate::config) fn groups(&mut self, groups: &[Group]) {
        let places = self.elements(&["groups"]);
        let both = || groups.iter().zip(&places);
        let names = both().map(|(group, place)| (&group.name, of(*place, "name")));
        self.refuse_twice(names.collect(), |name| {
            format!("duplicate entry for the group `{name}`")
        });
        let gids = both().filter_map(|(group, place)| Some((group.gid?, of(*place, "gid"))));
        self.refuse_twice(gids.collect(), |gid| format!("another group has the id {gid}"));
    }

    pub(in crate::config) fn users(&mut self, users: &[User]) {
        let places = self.elements(&["users"]);
        let is_lima = |(user, _): &(&User, _)| user.name == UserRef::LimaUser;
        let entry = users.iter().zip(&places).find(is_lima);
        let without = entry.filter(|(user, _)| !user.groups.contains(&UnixName::docker()));
        if let Some((_, place)) = without {
            self.refuse_no_engine(of(*place, "groups"));
        }
        let names = users.iter().zip(&places).map(|(user, place)| (&user.name, of(*place, "name")));
        self.refuse_twice(names.collect(), |name| format!("duplicate entry for the user `{name}`"));
        let uids = users.iter().zip(&places);
        let uids = uids.filter_map(|(user, place)| Some((user.uid?, of(*place, "uid"))));
        self.refuse_twice(uids.collect(), |uid| format!("another user has the id {uid}"));
        for (user, place) in users.iter().zip(places) {
            if user.name == UserRef::LimaUser {
                self.leave_to_lima(place);
            }
            let groups = place.get("groups").into_iter().flat_map(TomlNode::elements);
            let groups = user.groups.iter().zip(groups.map(TomlNode::span));
            self.refuse_twice(groups.collect(), |group| format!("duplicate group `{group}`"));
        }
    }

    /// Adding a user to a group that does not exist would fail only after the VM was created.
    pub(in crate::config) fn misspelt_groups(&mut self, groups: &[Group], users: &[User]) {
        let declared = groups.iter().map(|group| group.name.as_str());
        let known: Vec<&str> = declared.chain(["docker"]).collect();
        let places = self.elements(&["users"]);
        for (user, place) in users.iter().zip(places) {
            let places = place.get("groups").into_iter().flat_map(TomlNode::elements);
            for (group, place) in user.groups.iter().zip(places) {
                let name = group.as_str();
                let is_known = known.contains(&name) || Group::is_of_images(group);
                let Some(meant) = suggest::nearest(name, &known).filter(|_| !is_known) else {
                    continue;
                };
                let hint = format!(
                    "did you mean `{meant}`? If the image has `{name}`, declare it under `[[groups]]`"
                );
                self.refuse(place.span(), format!("the group `{name}` does not exist"), hint);
            }
        }
    }

    /// Without this check, nobody could use the engine of a VM that took minutes to create. A VM that
    /// someone else made may give its user the socket itself, as Lima's templates do.
    fn refuse_no_engine(&mut self, span: Range<usize>) {
        if self.at(&["vm", "adopted"]).is_some_and(TomlNode::is_true) {
            return;
        }
        let message = "the user `@lima` is not in the group `docker`";
        let hint = "the Docker socket on this machine is opened as that user: write \
                    `{ name = \"@lima\", groups = [\"docker\"] }`, and add its other groups";
        self.refuse(span, message, hint);
    }

    fn leave_to_lima(&mut self, user: TomlNode<'a, 'i>) {
        let reasons = [
            ("uid", "Lima gives its user the id of the user who runs Lima"),
            ("shell", "Lima sets the shell of its user; set `user` under `[vm.lima]` instead"),
        ];
        for (key, reason) in reasons {
            if let Some(value) = user.get(key) {
                let message = format!("`{key}` cannot be set for the user `@lima`");
                self.refuse(value.span(), message, reason);
            }
        }
    }
}
