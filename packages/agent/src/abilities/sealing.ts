export { takeGiven } from '../sealing/given-secret.ts'
export { openGroupSecrets } from '../sealing/open-group-secrets.ts'
export { SecretGiver } from '../sealing/secret-giver.ts'
