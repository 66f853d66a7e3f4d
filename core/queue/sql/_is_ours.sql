-- Whether task t is the one with the id $1 and still held under the token $2.
t.id = $1::uuid AND t.claim_token = $2::uuid AND t.status = 'inProgress'
