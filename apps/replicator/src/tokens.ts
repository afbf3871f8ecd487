export const DEPENDENCIES = Symbol('dependencies');
export const REGISTRY = Symbol('registry');
