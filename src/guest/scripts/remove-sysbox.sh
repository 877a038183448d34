# Purges Sysbox, with the account that its package leaves, and the AppArmor rules of install-sysbox.sh.
# The package goes last but for its account, so that an interrupted removal is repeated.
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
  echo >&2 "cai: dpkg says that sysbox-ce is $(status), not purged"
  exit 1
  ;;
esac
# An account of a person has an id from 1000 on.
if uid=$(id -u sysbox 2>/dev/null) && [ "$uid" -lt 1000 ]; then userdel sysbox; fi
