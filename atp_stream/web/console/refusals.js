// Why messages were refused: what the reason means, the limit that counts, and what to do about it.
import { lasting } from "./dom.js";

const LIMITS = {
  quantity_too_fine: "at most 2 decimal places",
  quantity_too_large: "at most 12 digits before the point",
  id_too_long: "at most 255 bytes",
  not_positive: "more than 0 is needed",
};

/** What was wrong, with the limit, and durations in the units that people use. */
export function detailWords({ reason, detail }) {
  const said = detail.replace(/\b(\d+) (ms|s)\b/g, (_, amount, unit) => lasting(amount * (unit === "s" ? 1_000 : 1))).replaceAll("`", "");
  return LIMITS[reason] ? `${said}; ${LIMITS[reason]}` : said;
}

const SOURCE = "Mend the message in its source, and let that send it anew: these bytes would be refused again.";
const POLICY = "Change the policy if this should be allowed, else the message in its source.";
const REMEDIES = {
  undecodable: "Let its source send JSON, or Avro framed with the id of its schema.",
  unknown_schema: "Register the schema under this id, or point the worker to the registry that has it.",
  bad_schema: "Register a schema that can be read, and let the source use its id.",
  missing_tenant: "Name the tenant in the message, or set ATP_DEFAULT_TENANT.",
  future: "Put the clock of its source right. Later, when its time has come, it can be sent again as it is.",
  stale: "Send a count of what is there now instead: this one may have been counted already.",
  too_old: "Do not send it again as it is: a message with a new id and time is taken.",
  tombstone: "Send a count of 0 instead, if nothing is there any more.",
  unknown_channel: POLICY, too_many_channels: POLICY, too_far: POLICY, policy_invalid: "Mend the policy document and send it again.",
  bad_grant: "Send the grant with either a quantity or a percentage.", not_a_quota: POLICY,
  not_enough_granted: "Grant more units to the channel first, or move fewer.",
  too_many_parts: "Release or fulfil parts of the reservation first, or split the order.",
  too_many_supplies: "Cancel or close supplies of the item that are over.",
  too_many_movements: "Put what is left into a reservation or a supply of its own.",
  reservation_conflict: "Give the reservation of the other channel an id of its own.",
  broken: "Report it; send it again once a version with the fault mended is running.",
  unreadable_command: "Find out what else writes to the item log, and stop it. Do not send this one again.",
};
/** What to do about a reason. */
export const remedy = (reason) => REMEDIES[reason] ?? SOURCE;
