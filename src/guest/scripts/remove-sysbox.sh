# Purges Sysbox, with the account that its package leaves and the AppArmor rules of
# install-sysbox.sh. The package is removed after the rules, so that an interrupted removal is
# repeated.
look
if needs_exception && [ -e "$exception" ]; then
  # grep fails with 1 if no other rule is left.
  rules | grep -vxFf - "$exception" >"$exception.new" || [ $? -eq 1 ]
  mv "$exception.new" "$exception"
  apparmor_parser -r "$profile"
fi
rm -f /var/lib/cai/packages/sysbox-ce_*.deb
if [ -n "$(status)" ]; then apt purge sysbox-ce; fi
case $(status) in
'' | not-installed) ;;
*)
  echo >&2 "cai: dpkg reports that sysbox-ce is $(status), not purged"
  exit 1
  ;;
esac
# The package creates its account with `useradd -s /bin/false sysbox`, without a home directory.
case $(getent passwd sysbox || true) in
*:/bin/false) [ -e /home/sysbox ] || userdel sysbox ;;
esac
