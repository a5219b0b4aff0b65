// name: evidence
// topic: Genes of a drug
// about: Evidence for a drug–gene pair: attention, effect on response, known target, targets of similar drugs, genes like its targets.
// param drug: drug, name, alias or id
// param gene: gene, HGNC symbol
// param run: run, run id; default the promoted run
// columns: evidence string, detail string, value float
MATCH (d:Drug {id: $drug}), (g:Gene {id: $gene})
OPTIONAL MATCH (d)-[a:ATTENDS]->(g) WHERE a.run_id = $run AND a.objective = 'target'
WITH d, g, collect({evidence: 'attention as target, excess', detail: d.name, value: a.excess}) AS found
OPTIONAL MATCH (d)-[a:ATTENDS]->(g) WHERE a.run_id = $run AND a.objective = 'response'
WITH d, g, found, collect({evidence: 'decides response, effect', detail: a.feature, value: a.effect}) AS more
WITH d, g, found + more AS found
OPTIONAL MATCH (d)-[t:TARGETS]->(g)
WITH d, g, found, collect({evidence: 'known target', detail: coalesce(t.action, t.source, 'listed'),
                           value: CASE WHEN t IS NULL THEN NULL ELSE 1.0 END}) AS more
WITH d, g, found + more AS found
OPTIONAL MATCH (d)-[s:SIMILAR_TO]-(o:Drug)-[:TARGETS]->(g)
WITH d, g, found, collect({evidence: 'similar drug with this target', detail: o.name, value: s.similarity}) AS more
WITH d, g, found + more AS found
OPTIONAL MATCH (d)-[:TARGETS]->(o:Gene)-[:INTERACTS_WITH]-(g)
WITH d, g, found, collect({evidence: 'interacts with its target', detail: o.id,
                           value: CASE WHEN o IS NULL THEN NULL ELSE 1.0 END}) AS more
WITH d, g, found + more AS found
OPTIONAL MATCH (d)-[:TARGETS]->(o:Gene)-[h:HOMOLOGOUS]-(g)
WITH found, collect({evidence: 'alike in sequence to its target', detail: o.id, value: h.identity}) AS more
WITH found + more AS found
UNWIND found AS row
WITH row WHERE row.value IS NOT NULL
RETURN DISTINCT row.evidence AS evidence, row.detail AS detail, row.value AS value
ORDER BY evidence, value DESC, detail
