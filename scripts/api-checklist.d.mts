/** Compares the addon with the names that ywasm exports. */
export function checklist(): { rows: string[]; missing: string[]; arrived: string[]; untested: string[] }
